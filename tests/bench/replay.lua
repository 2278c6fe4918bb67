-- Send the requests of a file in order (each after its length); print the result of wrk as a line.
-- After the last request of the file it starts again.
local requests = {}
local position = 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  while true do
    local head = file:read("*l")
    if not head then break end
    requests[#requests + 1] = file:read(tonumber(head))
  end
  file:close()
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, _, _)
  local errors = summary.errors
  io.write(string.format("MEASURED %d %d %d %d\n", summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
