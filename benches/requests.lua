-- The one load script, for wrk: sends prepared requests one after the other and prints one line of figures at the end.
-- Arguments: the file of requests, the first number. The file has, for each request, its length on a line, then its bytes.
-- Each "##########" in a request becomes a new number of ten digits, so that names are unique and lengths stay true.

local MARK = "##########"
local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
end

local function split(text)
    local parts, from = {}, 1
    while true do
        local at = text:find(MARK, from, true)
        if not at then break end
        parts[#parts + 1] = text:sub(from, at - 1)
        from = at + #MARK
    end
    parts[#parts + 1] = text:sub(from)
    return parts
end

function init(args)
    number = tonumber(args[2])
    sent = 0
    requests = {}
    local file = assert(io.open(args[1], "rb"))
    while true do
        local length = file:read("*n")
        if not length then break end
        file:read(1)
        requests[#requests + 1] = split(file:read(length))
    end
    file:close()
end

function request()
    local parts = requests[sent % #requests + 1]
    sent = sent + 1
    if #parts == 1 then return parts[1] end
    local filled = { parts[1] }
    for at = 2, #parts do
        filled[#filled + 1] = string.format("%010d", number)
        filled[#filled + 1] = parts[at]
        number = number + 1
    end
    return table.concat(filled)
end

function done(summary, latency, _)
    local sent = 0
    for _, thread in ipairs(threads) do sent = sent + thread:get("sent") end
    local failed = summary.errors
    io.write(string.format(
        'FIGURES {"requests":%d,"seconds":%.6f,"bytes":%d,"sent":%d,"p50_ms":%.4f,"p99_ms":%.4f,"max_ms":%.4f,'
            .. '"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, sent, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, latency.max / 1e3, failed.status, failed.connect, failed.read, failed.write,
        failed.timeout))
end
