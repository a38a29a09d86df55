// Requests as curl commands, to be pasted into a shell. Pure.

/** A word for a POSIX shell. @param {string} text */
export const quoted = (text) => (/^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);

/**
 * @param {{ method?: string, origin: string, path: string, query?: [string, string][], body?: any }} request
 * The token is left to a variable: cookies of the browser are nobody else's business.
 */
export function curl({ method = "GET", origin, path, query = [], body }) {
    const how = method !== "GET" ? `-X ${method} ` : query.length ? "-G " : "";
    const lines = [`curl ${how}${quoted(`${origin}/api/admin${path}`)}`, `-H "Authorization: Bearer $TOKEN"`];
    for (const [name, value] of query) lines.push(`--data-urlencode ${quoted(`${name}=${value}`)}`);
    if (body !== undefined) lines.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(body))}`);
    return lines.join(" \\\n  ");
}
