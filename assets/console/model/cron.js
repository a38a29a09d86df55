// When a schedule runs, in words; what is not said simply stays as it is written. Pure.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** @param {string} text */
const isNumber = (text) => /^\d+$/.test(text);
/** @param {string} text */
const two = (text) => text.padStart(2, "0");
/** @param {string} text */
const ordinal = (text) => `${text}${{ 1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st" }[Number(text)] ?? "th"}`;

/** The steps of a field, 1 for a star, null for anything else. @param {string} text */
function stepOf(text) {
    if (text === "*") return 1;
    const step = /^\*\/(\d+)$/.exec(text);
    return step ? Number(step[1]) : null;
}

/** @param {number} step @param {string} unit */
const every = (step, unit) => (step === 1 ? `every ${unit}` : `every ${step} ${unit}s`);

/** In words, or the text itself. @param {string} cron Minute, hour, day of month, month, day of week. */
export function cronWords(cron) {
    const [minute, hour, day, month, weekday, ...more] = cron.trim().split(/\s+/);
    const written = capital(wordsOf(minute, hour, day, weekday));
    return more.length || month !== "*" || weekday === undefined || !written ? cron : written;
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {string} minute @param {string} hour @param {string} day @param {string} weekday */
function wordsOf(minute, hour, day, weekday) {
    const [minutes, hours] = [stepOf(minute), stepOf(hour)];
    if (day === "*" && weekday === "*") {
        if (minutes && hours === 1) return every(minutes, "minute");
        if (isNumber(minute) && hours) return `${every(hours, "hour")}, ${minute === "0" ? "on the hour" : `at ${minute} past`}`;
    }
    if (!isNumber(minute) || !isNumber(hour)) return "";
    const time = `at ${two(hour)}:${two(minute)}`;
    if (day === "*" && weekday === "*") return `every day ${time}`;
    if (day === "*" && /^[0-7]$/.test(weekday)) return `every ${DAYS[Number(weekday)]} ${time}`;
    if (day === "*" && weekday === "1-5") return `from Monday to Friday ${time}`;
    if (isNumber(day) && weekday === "*") return `on the ${ordinal(day)} of every month ${time}`;
    return "";
}
