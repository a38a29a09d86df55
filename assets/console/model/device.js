// A program and its system in words, from what a browser says of itself. Pure.

/** @type {[RegExp, string][]} */
const PROGRAMS = [
    [/Edg(e|A|iOS)?\//, "Edge"], [/OPR\/|Opera/, "Opera"], [/Firefox\/|FxiOS\//, "Firefox"], [/HeadlessChrome\/|Chrome\/|CriOS\/|Chromium\//, "Chrome"],
    [/Safari\//, "Safari"], [/curl\//, "curl"], [/okhttp|Dart|CFNetwork/, "an app"],
];
/** @type {[RegExp, string][]} */
const SYSTEMS = [[/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS X|Macintosh/, "macOS"], [/Linux|X11/, "Linux"]];

/** @param {string | null | undefined} agent */
export function deviceOf(agent) {
    if (!agent) return "An unknown program";
    const named = (/** @type {[RegExp, string][]} */ list) => list.find(([pattern]) => pattern.test(agent))?.[1];
    const program = named(PROGRAMS) ?? agent.split(/[\s/]/)[0] ?? "A program";
    const system = named(SYSTEMS);
    return system ? `${program} on ${system}` : program;
}
