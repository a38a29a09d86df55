// Money: an amount in the minor unit of a currency, shown and typed in the major one.

import { html, useEffect, useId, useState } from "../vendor/preact.js";

const COMMON = ["EUR", "USD", "GBP", "CHF", "PLN", "SEK", "NOK", "DKK", "CZK", "AUD", "CAD", "JPY"];

/** Digits after the point. @param {string} currency */
export function digitsOf(currency) {
    try {
        return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
    } catch {
        return 2;
    }
}

/** The amount as a plain number in text: 1999, EUR → 19.99. @param {number} minor @param {string} currency */
export function majorOf(minor, currency) {
    const digits = digitsOf(currency);
    const text = String(Math.abs(minor)).padStart(digits + 1, "0");
    const whole = text.slice(0, text.length - digits);
    return `${minor < 0 ? "-" : ""}${whole}${digits ? `.${text.slice(-digits)}` : ""}`;
}

/** The minor unit of what was typed, or null when it is no amount. @param {string} text @param {string} currency @returns {number | null} */
export function minorOf(text, currency) {
    const digits = digitsOf(currency);
    const found = /^(-?)(\d+)(?:[.,](\d+))?$/.exec(text.trim().replace(/[\s'_]/g, ""));
    if (!found || (found[3] ?? "").length > digits) return null;
    const minor = Number(found[2] + (found[3] ?? "").padEnd(digits, "0"));
    return Number.isSafeInteger(minor) ? (found[1] ? -minor : minor) : null;
}

/** Money in words. @param {{ minor: number, currency: string }} money */
export function shown({ minor, currency }) {
    try {
        return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(minor / 10 ** digitsOf(currency));
    } catch {
        return `${majorOf(minor, currency)} ${currency}`;
    }
}

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    if (typeof value?.minor !== "number") return html`<code>${JSON.stringify(value)}</code>`;
    return html`<span title=${`${value.minor} in the minor unit of ${value.currency}`}>${shown(value)}</span>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ value, onChange, input: { id, describedBy, isInvalid }, isDisabled, label }) {
    const list = useId();
    const currency = value?.currency ?? "EUR";
    const [text, setText] = useState(typeof value?.minor === "number" ? majorOf(value.minor, currency) : "");
    useEffect(() => {
        const minor = value?.minor ?? null;
        if (typeof minor === "number" && minor !== minorOf(text, currency)) setText(majorOf(minor, currency));
        if (!value) setText("");
    }, [value?.minor, !value]);
    const change = (/** @type {string} */ amount, /** @type {string} */ unit) => {
        setText(amount);
        if (amount.trim() === "") onChange(null);
        else onChange({ minor: minorOf(amount, unit) ?? amount, currency: unit });
    };
    return html`
        <div class="money">
            <input class="input input-number" id=${id} inputmode="decimal" autocomplete="off" placeholder="0.00" value=${text} disabled=${isDisabled}
                aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null}
                onInput=${(/** @type {any} */ event) => change(event.target.value, currency)} />
            <input class="input" aria-label=${`Currency of ${label ?? "the amount"}`} value=${currency} maxlength="3" list=${list} disabled=${isDisabled} autocomplete="off"
                onInput=${(/** @type {any} */ event) => change(text, event.target.value.toUpperCase())} />
            <datalist id=${list}>${COMMON.map((code) => html`<option key=${code} value=${code} />`)}</datalist>
        </div>`;
}

/** Amounts are typed as 19.99; the list is filtered by the minor unit. @param {import("./index.js").FilterProps} props */
export function filter({ value, onChange, id }) {
    const [text, setText] = useState(/^-?\d+$/.test(value) ? majorOf(Number(value), "EUR") : value);
    const typed = (/** @type {any} */ event) => {
        setText(event.target.value);
        const minor = minorOf(event.target.value, "EUR");
        onChange(minor === null ? "" : String(minor));
    };
    return html`<input class="input" id=${id} inputmode="decimal" placeholder="19.99" value=${text} autocomplete="off" onInput=${typed} />`;
}
