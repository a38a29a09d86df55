// A place on earth, as GeoJSON: longitude first. People write latitude first, and paste both at once.

import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon } from "../components/icon.js";

/** @param {any} value @returns {[number, number] | null} Longitude and latitude. */
const pairOf = (value) => (value?.type === "Point" && Array.isArray(value.coordinates) ? value.coordinates : null);

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    const pair = pairOf(value);
    if (!pair) return html`<code>${JSON.stringify(value)}</code>`;
    const [longitude, latitude] = pair;
    const words = `${Math.abs(latitude).toFixed(5)}° ${latitude < 0 ? "S" : "N"}, ${Math.abs(longitude).toFixed(5)}° ${longitude < 0 ? "W" : "E"}`;
    return html`<span class="point"><${Icon} name="pin" />${words}</span>`;
}

/** What is sent for the two texts. @param {string} latitude @param {string} longitude */
function pointOf(latitude, longitude) {
    if (latitude.trim() === "" && longitude.trim() === "") return null;
    const number = (/** @type {string} */ text) => (text.trim() === "" || Number.isNaN(Number(text.replace(",", "."))) ? text : Number(text.replace(",", ".")));
    return { type: "Point", coordinates: [number(longitude), number(latitude)] };
}

/** @param {import("./index.js").FieldProps} props */
export function input({ value, onChange, input: { id, describedBy, isInvalid }, isDisabled, label }) {
    const pair = pairOf(value);
    const [texts, setTexts] = useState([pair ? String(pair[1]) : "", pair ? String(pair[0]) : ""]);
    useEffect(() => { if (!value) setTexts(["", ""]); }, [!value]);
    const change = (/** @type {string} */ latitude, /** @type {string} */ longitude) => {
        const pasted = /^\s*(-?[\d.]+)\s*[,;\s]\s*(-?[\d.]+)\s*$/.exec(latitude);
        const next = pasted ? [pasted[1], pasted[2]] : [latitude, longitude];
        setTexts(next);
        onChange(pointOf(next[0], next[1]));
    };
    const bind = { class: "input input-number", inputmode: "decimal", disabled: isDisabled, autocomplete: "off", "aria-invalid": isInvalid ? "true" : null };
    return html`
        <div class="pair">
            <label class="stack-small small">Latitude
                <input ...${bind} id=${id} placeholder="52.52" aria-label=${`Latitude of ${label ?? "the place"}`} aria-describedby=${describedBy} value=${texts[0]}
                    onInput=${(/** @type {any} */ event) => change(event.target.value, texts[1])} /></label>
            <label class="stack-small small">Longitude
                <input ...${bind} placeholder="13.405" aria-label=${`Longitude of ${label ?? "the place"}`} value=${texts[1]}
                    onInput=${(/** @type {any} */ event) => change(texts[0], event.target.value)} /></label>
        </div>`;
}

export { filter } from "./text.js";
