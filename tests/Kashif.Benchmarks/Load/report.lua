-- POSTs reports of many users at random points of the seeded city; the second argument is a pause in ms between a connection's requests.
local tokens, pause, count = {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do tokens[#tokens + 1] = "Bearer " .. line end
  pause = tonumber(args[2] or "0")
  math.randomseed(os.time() + tonumber(tostring(tokens):match("0x(%x+)"), 16) % 100000)
end

function delay() return pause end

function request()
  count = count + 1
  local body = string.format(
    '{"title":"Pothole number %d","description":"A deep one, in the right lane.","category":"pothole","latitude":%.5f,"longitude":%.5f}',
    count, 33.4 + math.random() * 0.2, 36.2 + math.random() * 0.2)
  return wrk.format("POST", "/api/v1/reports", { ["Authorization"] = tokens[count % #tokens + 1], ["Content-Type"] = "application/json" }, body)
end
