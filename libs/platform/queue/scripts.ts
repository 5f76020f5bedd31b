/**
 * Scripts of ours on BullMQ's keys, for what its own commands cannot do in one step. They know how BullMQ 6.7.0 lays its keys out; the
 * tests of this folder fail when that changes.
 */

/**
 * Sees to it that jobs run by their time, as far as they are there: brings forward what is delayed for longer, forgets what has
 * finished, and answers with a list that has 1 for each job that is missing then.
 * KEYS completed, failed, delayed, marker; ARGV the keys' prefix, then `new` to leave alone jobs that have ever run, then id and time
 * (epoch ms) of each job. In one step, because a job that ran and was put off between two would be called back.
 */
export const RENEW = `
local missing, moved = {}, false
for i = 3, #ARGV, 2 do
  local id, wanted = ARGV[i], tonumber(ARGV[i + 1])
  local job = ARGV[1] .. id
  local score = redis.call('ZSCORE', KEYS[3], id)
  missing[#missing + 1] = 0
  if score then
    if math.floor(tonumber(score) / 4096) > wanted and not (ARGV[2] == 'new' and redis.call('HEXISTS', job, 'ats') == 1) then
      redis.call('ZADD', KEYS[3], wanted * 4096, id)
      redis.call('HSET', job, 'delay', math.max(0, wanted - tonumber(redis.call('HGET', job, 'timestamp'))), 'due', wanted)
      moved = true
    end
  elseif ARGV[2] ~= 'new' and redis.call('ZREM', KEYS[1], id) + redis.call('ZREM', KEYS[2], id) > 0 then
    redis.call('DEL', job, job .. ':logs')
    missing[#missing] = 1
  else
    missing[#missing] = 1 - redis.call('EXISTS', job)
  end
end
if moved then
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  redis.call('ZADD', KEYS[4], math.floor(tonumber(first[2]) / 4096), '1')
end
return missing`;

/**
 * Lets a queue rest, unless it rests for longer already: a short rest must not end a long one.
 * KEYS the limiter; ARGV what BullMQ's limiter counts up to, ms.
 */
export const REST = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1`;
