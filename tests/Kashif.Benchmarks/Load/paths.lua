-- GETs the paths of a file, one a line, in turn.
local paths, count = {}, 0

function init(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
end

function request()
  count = count + 1
  return wrk.format("GET", paths[count % #paths + 1])
end
