-- Sends the requests of a file one after the other (each framed by its length), and writes what wrk measured as one line.
-- What can go wrong: the file is shorter than the run: it starts again from the first request.
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
