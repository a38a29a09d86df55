// Days of the reader's own zone, as inputs have them and as the server is asked. Pure.

/** The beginning or the end of a day as the server reads it, null for no day. @param {string | null} day @param {string} time */
export function instant(day, time) {
    const date = new Date(`${day}T${time}`);
    return day && !Number.isNaN(date.getTime()) ? `${date.toISOString().slice(0, 19)}Z` : null;
}

/** The conditions that keep a field between two days, both included. @param {string} field @param {string | null} from @param {string | null} to */
export const between = (field, from, to) => ({ [`${field}[gte]`]: instant(from, "00:00:00"), [`${field}[lte]`]: instant(to, "23:59:59") });

/** The day some days ago, as an input has it. @param {number} days @param {Date} [now] */
export function dayBefore(days, now = new Date()) {
    const date = new Date(now);
    date.setDate(date.getDate() - days);
    const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
