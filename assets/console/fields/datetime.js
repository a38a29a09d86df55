// An instant. Shown in the reader's zone, typed in that zone or in UTC, sent in UTC, in whole seconds.

import { html, useEffect, useState } from "../vendor/preact.js";
import { Moment, ZONE } from "../components/date.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    return html`<${Moment} value=${value} />`;
}

const two = (/** @type {number} */ number) => String(number).padStart(2, "0");

/** What a datetime-local input shows for an instant. @param {string | null | undefined} value @param {boolean} isUtc */
export function typedOf(value, isUtc) {
    const date = value ? new Date(value) : null;
    if (!date || Number.isNaN(date.getTime())) return "";
    if (isUtc) return date.toISOString().slice(0, 19);
    return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The instant of what was typed, as the API has it. @param {string} text @param {boolean} isUtc @returns {string | null} */
export function instantOf(text, isUtc) {
    if (!text) return null;
    const date = new Date(isUtc ? `${text}Z` : text);
    return Number.isNaN(date.getTime()) ? text : `${date.toISOString().slice(0, 19)}Z`;
}

/** @param {{ id: string, value: any, onChange: (value: string | null) => void, describedBy?: string, isInvalid?: boolean, isDisabled?: boolean, label?: string }} props */
function ZonedInput({ id, value, onChange, describedBy, isInvalid, isDisabled, label }) {
    const [isUtc, setUtc] = useState(ZONE === "UTC");
    const [text, setText] = useState(typedOf(value, isUtc));
    useEffect(() => {
        if (instantOf(text, isUtc) !== (value ?? null)) setText(typedOf(value, isUtc));
    }, [value]);
    const typed = (/** @type {any} */ event) => {
        setText(event.target.value);
        onChange(instantOf(event.target.value, isUtc));
    };
    const zoned = (/** @type {any} */ event) => {
        const next = event.target.value === "UTC";
        setUtc(next);
        setText(typedOf(value, next));
    };
    return html`
        <div class="zoned">
            <input class="input" id=${id} type="datetime-local" step="1" value=${text} disabled=${isDisabled}
                aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null} onInput=${typed} />
            <select class="input" aria-label=${`Time zone of ${label ?? "the time"}`} disabled=${isDisabled} onChange=${zoned}>
                ${ZONE !== "UTC" && html`<option value=${ZONE} selected=${!isUtc}>${ZONE}</option>`}
                <option value="UTC" selected=${isUtc}>UTC</option>
            </select>
        </div>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ value, onChange, input: { id, describedBy, isInvalid }, isDisabled, label }) {
    return html`<${ZonedInput} id=${id} value=${value} onChange=${onChange} describedBy=${describedBy} isInvalid=${isInvalid} isDisabled=${isDisabled} label=${label} />`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ value, onChange, id }) {
    return html`<${ZonedInput} id=${id} value=${value || null} onChange=${(/** @type {string | null} */ next) => onChange(next ?? "")} />`;
}
