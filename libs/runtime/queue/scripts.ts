/**
 * Scripts of ours on BullMQ's keys, for what its own commands cannot do in one step. They know how BullMQ 6.7.0 lays its keys out; the
 * tests of this folder fail when that changes.
 */

/**
 * What has to be done so that jobs run by their time. Forgets jobs that have finished.
 * KEYS completed, failed, delayed; ARGV the keys' prefix, then id and time (epoch ms) of each job.
 * Answers with a list: 0 nothing, 1 the job is missing, 2 it is delayed for longer.
 */
export const RENEW = `
local answers = {}
for i = 2, #ARGV, 2 do
  local id, wanted = ARGV[i], tonumber(ARGV[i + 1])
  local job = ARGV[1] .. id
  local answer = 0
  if redis.call('ZREM', KEYS[1], id) + redis.call('ZREM', KEYS[2], id) > 0 then
    redis.call('DEL', job, job .. ':logs')
    answer = 1
  elseif redis.call('EXISTS', job) == 0 then
    answer = 1
  else
    local score = redis.call('ZSCORE', KEYS[3], id)
    if score and math.floor(tonumber(score) / 4096) > wanted then
      redis.call('HSET', job, 'due', wanted)
      answer = 2
    end
  end
  answers[#answers + 1] = answer
end
return answers`;

/**
 * Lets a queue rest, unless it rests for longer already: a short rest must not end a long one.
 * KEYS the limiter; ARGV what BullMQ's limiter counts up to, ms.
 */
export const REST = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1`;
