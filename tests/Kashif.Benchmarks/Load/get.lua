-- GETs the path given; {lat} and {lon} become a random point of the seeded city, {token} in the header file a user's token.
local tokens, path, count = {}, nil, 0

function init(args)
  path = args[1]
  if args[2] then
    for line in io.lines(args[2]) do tokens[#tokens + 1] = "Bearer " .. line end
  end
  math.randomseed(os.time() + tonumber(tostring(tokens):match("0x(%x+)"), 16) % 100000)
end

function request()
  count = count + 1
  local target = path:gsub("{lat}", string.format("%.4f", 33.4 + math.random() * 0.2)):gsub("{lon}", string.format("%.4f", 36.2 + math.random() * 0.2))
  local headers = {}
  if #tokens > 0 then headers["Authorization"] = tokens[count % #tokens + 1] end
  return wrk.format("GET", target, headers)
end
