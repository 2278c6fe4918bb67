-- Send the requests of a file in order, each with its time of sending as request id.
-- The server returns the request id, which gives the time of the answer.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long n; } laurel_time;
  int clock_gettime(int, laurel_time *);
]]
local moment = ffi.new("laurel_time")
local requests, threads = {}, {}
local position = 0
count, refused, others = 0, 0, 0
times, refused_times = {}, {}

local function now_us()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.s) * 1000000 + math.floor(tonumber(moment.n) / 1000)
end

function setup(thread) threads[#threads + 1] = thread end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  while true do
    local head = file:read("*l")
    if not head then break end
    local text = file:read(tonumber(head))
    local line_end = text:find("\r\n", 1, true)
    requests[#requests + 1] = {
      text:sub(1, line_end + 1) .. "X-Request-Id: t-", "\r\n" .. text:sub(line_end + 2)}
  end
  file:close()
end

function request()
  position = position % #requests + 1
  local parts = requests[position]
  return parts[1] .. string.format("%016d", now_us()) .. parts[2]
end

local function taken_us(headers)
  local sent = headers["x-request-id"] or headers["X-Request-Id"]
  return now_us() - tonumber(sent:sub(3))
end

local function middle(thread, name)
  local sorted = thread:get(name)
  table.sort(sorted)
  return sorted[math.ceil(#sorted / 2)] or 0
end

function response(status, headers, _)
  if status == 503 then
    refused = refused + 1
    refused_times[refused] = taken_us(headers)
    if not headers["Retry-After"] and not headers["retry-after"] then others = others + 1 end
  elseif status == 202 then
    count = count + 1
    times[count] = taken_us(headers)
  else
    others = others + 1
  end
end

function done(summary, _, _)
  local thread, errors = threads[1], summary.errors
  io.write(string.format("OVERLOAD %d %d %d %d %d %d\n", thread:get("count"), thread:get("refused"),
    middle(thread, "times"), middle(thread, "refused_times"), thread:get("others"),
    errors.connect + errors.read + errors.write + errors.timeout))
end
