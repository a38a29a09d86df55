// What the reader wants to be told, on which way, and when not. A switch counts at once; the quiet hours when they are saved.

import { html, useEffect, useState } from "../vendor/preact.js";
import { asProblem, get, patch } from "../api.js";
import { input as ZoneInput } from "../fields/timezone.js";
import { errorsWithin } from "../model/pointers.js";
import { useResource } from "../resource.js";
import { Badge } from "./badge.js";
import { ZONE } from "./date.js";
import { FormField } from "./form-field.js";
import { ProblemNote } from "./problem.js";
import { Skeleton } from "./skeleton.js";
import { toast, toastProblem } from "./toast.js";

/** @typedef {import("../schema.js").Schemas["NotificationPreferences"]} Preferences @typedef {Preferences["types"][number]} Type */

const PATH = "/notifications/preferences";
/** @type {{ key: "in_app" | "email", label: string }[]} */
const CHANNELS = [{ key: "in_app", label: "Here" }, { key: "email", label: "By e-mail" }];

/** @param {{ types: Type[], onSaved: (next: Preferences) => void }} props */
function Types({ types, onSaved }) {
    const toggle = async (/** @type {Type} */ type, /** @type {"in_app" | "email"} */ channel) => {
        try {
            onSaved(await patch(PATH, { types: [{ type: type.type, [channel]: !type[channel] }] }));
        } catch (error) {
            toastProblem(error, "Not changed.");
        }
    };
    return html`
        <ul class="choices">${types.map((type) => html`
            <li key=${type.type}>
                <div><strong>${type.title}</strong> ${type.is_required && html`<${Badge} text="always sent" kind="quiet" />`}
                    <p class="muted small">${type.description}</p></div>
                <div class="row" role="group" aria-label=${type.title}>${CHANNELS.map(({ key, label }) => html`
                    <label key=${key} class="check"><input type="checkbox" checked=${type[key]} disabled=${type.is_required} onChange=${() => toggle(type, key)} />${label}</label>`)}</div>
            </li>`)}</ul>`;
}

/** @param {{ preferences: Preferences, onSaved: (next: Preferences) => void }} props */
function QuietHours({ preferences, onSaved }) {
    const kept = preferences.quiet_hours ?? null;
    const [isOn, setOn] = useState(kept !== null);
    const [hours, setHours] = useState(kept ?? { from: "22:00", until: "07:00" });
    const [timezone, setTimezone] = useState(preferences.timezone ?? ZONE);
    const [errors, setErrors] = useState(/** @type {import("../api.js").FieldError[]} */ ([]));
    useEffect(() => setOn(kept !== null), [kept?.from, kept?.until]);
    const save = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setErrors([]);
        try {
            onSaved(await patch(PATH, { timezone, quiet_hours: isOn ? hours : null }));
            toast(isOn ? "Quiet hours saved" : "No quiet hours any more");
        } catch (error) {
            const problem = asProblem(error);
            setErrors(problem.errors);
            if (!problem.errors.length) toastProblem(problem, "Not saved.");
        }
    };
    const time = (/** @type {"from" | "until"} */ name, /** @type {string} */ label) => html`
        <${FormField} label=${label} errors=${errorsWithin(errors, `/quiet_hours/${name}`)}>
            ${(/** @type {import("./form-field.js").InputProps} */ input) => html`
                <input class="input" type="time" id=${input.id} required value=${hours[name]} aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null}
                    onInput=${(/** @type {any} */ event) => setHours({ ...hours, [name]: event.target.value })} />`}
        <//>`;
    return html`
        <form class="stack" onSubmit=${save} aria-label="Quiet hours">
            <label class="check"><input type="checkbox" checked=${isOn} onChange=${() => setOn(!isOn)} />Quiet hours: no e-mail until they are over, unless it is urgent</label>
            ${isOn && html`
                <div class="two">${time("from", "From")}${time("until", "Until")}</div>
                <${FormField} label="Time zone" errors=${errorsWithin(errors, "/timezone")}>
                    ${(/** @type {import("./form-field.js").InputProps} */ input) => html`<${ZoneInput} value=${timezone} input=${input} onChange=${setTimezone} />`}
                <//>`}
            ${errorsWithin(errors, "/quiet_hours").length > 0 && !isOn && html`<p class="field-errors">${errorsWithin(errors, "/quiet_hours").join(" ")}</p>`}
            <div class="row"><button type="submit" class="button">Save quiet hours</button></div>
        </form>`;
}

export function NoticePreferences() {
    const { data, problem, isSlow, reload, set } = useResource((signal) => /** @type {Promise<Preferences>} */ (get(PATH, {}, signal)), []);
    return html`
        <section class="card" aria-labelledby="preferences-title">
            <header class="card-head"><h2 id="preferences-title">What you want to be told</h2></header>
            <div class="card-body stack">
                ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
                ${isSlow && html`<${Skeleton} rows=${5} />`}
                ${data && html`<${Types} types=${data.types} onSaved=${set} /><${QuietHours} preferences=${data} onSaved=${set} />`}
            </div>
        </section>`;
}
