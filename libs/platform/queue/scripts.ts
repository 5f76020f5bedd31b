/**
 * Scripts of ours on BullMQ's keys, for what its own commands cannot do in one step. They know how BullMQ 6.7.0 lays
 * its keys out; the tests of this folder fail when that changes.
 */

/**
 * Sees to it that jobs run by their time, as far as they are there: brings forward what is delayed for
 * longer, forgets what has finished and what Redis has lost a part of (a job without its hash, or a hash
 * that stands in no list and that no worker has locked), and answers with a list that has 1 for each job
 * that is missing then. KEYS completed, failed, delayed, marker, prioritized, wait, paused, active; ARGV
 * the keys' prefix, then `new` to leave alone jobs that have ever run, then id and time (epoch ms) of
 * each job. In one step, because a job that ran and was put off between two would be called back.
 */
export const RENEW = `
local missing, moved = {}, false
local function isQueued(id)
  if redis.call('ZSCORE', KEYS[5], id) then return true end
  for key = 6, 8 do if redis.call('LPOS', KEYS[key], id) then return true end end
  return false
end
local function unlist(id)
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZREM', KEYS[5], id)
  for key = 6, 8 do redis.call('LREM', KEYS[key], 0, id) end
end
for i = 3, #ARGV, 2 do
  local id, wanted = ARGV[i], tonumber(ARGV[i + 1])
  local job = ARGV[1] .. id
  local exists = redis.call('EXISTS', job) == 1
  local score = redis.call('ZSCORE', KEYS[3], id)
  missing[#missing + 1] = exists and 0 or 1
  if score and exists then
    if math.floor(tonumber(score) / 4096) > wanted and not (ARGV[2] == 'new' and redis.call('HEXISTS', job, 'ats') == 1) then
      redis.call('ZADD', KEYS[3], wanted * 4096, id)
      redis.call('HSET', job, 'delay', math.max(0, wanted - tonumber(redis.call('HGET', job, 'timestamp'))), 'due', wanted)
      moved = true
    end
  elseif ARGV[2] ~= 'new' then
    local finished = redis.call('ZREM', KEYS[1], id) + redis.call('ZREM', KEYS[2], id) > 0
    local lost = exists and not finished and not isQueued(id) and redis.call('EXISTS', job .. ':lock') == 0
    if not exists then unlist(id) end
    if finished or lost then
      redis.call('DEL', job, job .. ':logs')
      missing[#missing] = 1
    end
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
