// The form of a record: an input for each field by its type, the server's errors at the fields, a warning before changes are lost.

import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { inputOf, isGroup } from "../fields/index.js";
import { filledOnly, isSame, mergePatch } from "../model/changes.js";
import { errorsAt, errorsElsewhere, errorsWithin } from "../model/pointers.js";
import { setLeaveGuard } from "../router.js";
import { childFields, fieldWords, topFields } from "../schema.js";
import { confirm } from "./confirm.js";
import { FormField } from "./form-field.js";
import { Icon } from "./icon.js";
import { ProblemNote } from "./problem.js";

/** @typedef {import("../schema.js").Field} Field @typedef {import("../schema.js").Table} Table @typedef {import("../api.js").Problem} Problem */

/** The fields that can be set. @param {Table} table @param {boolean} isNew @returns {Field[]} */
export function formFields(table, isNew) {
    return topFields(table).filter((field) => {
        if (field.path === "id") return isNew && table.key !== "uuid";
        if (field.is_system) return false;
        if (isNew) return field.permissions.create.rule !== "none" && !(field.is_read_only && field.has_default);
        return !field.is_read_only && field.permissions.update.rule !== "none";
    });
}

/** Whether a value must be given. @param {Field} field @param {boolean} isNew */
const isRequired = (field, isNew) => (field.path === "id" ? isNew : !field.is_optional && !(isNew && field.has_default) && field.type !== "boolean");

/** What limits a field, in a few words. @param {Field} field */
function limitWords({ limits, type, is_list: isList }) {
    if (!limits || isList) return "";
    const { min, max, min_length: shortest, max_length: longest } = limits;
    if (typeof min === "number" && typeof max === "number" && type !== "money") return `${min.toLocaleString()} to ${max.toLocaleString()}`;
    if (typeof longest === "number") return typeof shortest === "number" && shortest > 1 ? `${shortest} to ${longest} characters` : `up to ${longest} characters`;
    return "";
}

/** Asks before the reader leaves with changes. @param {boolean} isChanged */
function useLeaveGuard(isChanged) {
    useEffect(() => {
        if (!isChanged) return undefined;
        setLeaveGuard(() => confirm({
            title: "Leave without saving?", text: "Your changes are not saved yet. If you leave now, they are lost.", yes: "Leave", no: "Stay here", isDangerous: true,
        }));
        const warn = (/** @type {Event} */ event) => event.preventDefault();
        addEventListener("beforeunload", warn);
        return () => { setLeaveGuard(null); removeEventListener("beforeunload", warn); };
    }, [isChanged]);
}

/** All that is wrong, with the way to each field. @param {{ problem: Problem, fields: Field[], formId: string }} props */
function ErrorSummary({ problem, fields, formId }) {
    const box = useRef(/** @type {HTMLElement | null} */ (null));
    useEffect(() => box.current?.focus(), [problem]);
    if (!problem.errors.length) return html`<div tabindex="-1" ref=${box}><${ProblemNote} problem=${problem} /></div>`;
    const elsewhere = errorsElsewhere(problem.errors, fields.map((field) => `/${field.path}`));
    const wrong = fields.filter((field) => errorsWithin(problem.errors, `/${field.path}`).length);
    const jump = (/** @type {string} */ path) => (/** @type {Event} */ event) => {
        event.preventDefault();
        const target = document.getElementById(`${formId}-${path}`) ?? document.getElementById(`${formId}-${path}-group`);
        (target?.matches("input, select, textarea, button") ? target : target?.querySelector(/** @type {any} */ ("input, select, textarea, button")))?.focus();
    };
    return html`
        <section class="note note-danger" role="alert" tabindex="-1" ref=${box}>
            <${Icon} name="alert" />
            <div class="note-body">
                <h2>${problem.message}</h2>
                <ul>
                    ${wrong.map((field) => html`
                        <li key=${field.path}>
                            <a href=${`#${formId}-${field.path}`} onClick=${jump(field.path)}>${fieldWords(field.path)}</a>${": "}
                            ${errorsWithin(problem.errors, `/${field.path}`).join(" · ")}
                        </li>`)}
                    ${elsewhere.map((error, index) => html`<li key=${index}><code>${error.pointer}</code> ${error.message}</li>`)}
                </ul>
            </div>
        </section>`;
}

/** @param {{ table: Table, field: Field, formId: string, value: any, errors: import("../api.js").FieldError[], isNew: boolean, onChange: (value: any) => void }} props */
function FieldRow({ table, field, formId, value, errors, isNew, onChange }) {
    const pointer = `/${field.path}`;
    const hasOwn = field.type === "object" && childFields(table, field.is_list ? `${field.path}.*` : field.path).length > 0;
    const label = fieldWords(field.path);
    const hint = [limitWords(field), field.is_optional ? "optional" : isNew && field.has_default ? "has a default" : ""].filter(Boolean).join(" · ");
    return html`
        <${FormField} id=${`${formId}-${field.path}`} label=${label} help=${field.description} hint=${hint} isRequired=${isRequired(field, isNew)} isGroup=${isGroup(field)}
            errors=${hasOwn ? errorsAt(errors, pointer) : errorsWithin(errors, pointer)}>
            ${(/** @type {any} */ input) => html`<${inputOf(field)} table=${table} field=${field} value=${value} input=${input} label=${label} pointer=${pointer} errors=${errors}
                isNew=${isNew} placeholder=${isNew && field.has_default ? "Default" : undefined} onChange=${onChange} />`}
        <//>`;
}

/** What leaves the form: empty text is no value where none is needed. @param {Field[]} fields @param {any} values */
function tidy(fields, values) {
    const out = { ...values };
    for (const field of fields) if (out[field.path] === "" && (field.is_optional || field.has_default)) out[field.path] = null;
    return out;
}

/**
 * @param {{ table: Table, record?: any, start?: any, onSave: (body: any) => Promise<void>, cancelHref?: string, onCancel?: () => void }} props
 * With `record` it sends the merge patch, else the new record; `start` fills a new one. `onSave` throws a Problem when it fails; what
 * it has handled itself it need not throw.
 */
export function RecordForm({ table, record, start, onSave, cancelHref, onCancel }) {
    const isNew = !record;
    const fields = useMemo(() => formFields(table, isNew), [table, isNew]);
    const before = useMemo(() => Object.fromEntries(fields.map((field) => [field.path, (record ?? start)?.[field.path] ?? null])), [record]);
    const [values, setValues] = useState(before);
    const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
    const [isBusy, setBusy] = useState(false);
    useEffect(() => { setValues(before); setProblem(null); }, [before]);
    const isChanged = !isSame(tidy(fields, before), tidy(fields, values));
    useLeaveGuard(isChanged);
    const formId = `record-${table.name}`;
    const submit = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setBusy(true);
        setProblem(null);
        try {
            const sent = tidy(fields, values);
            await onSave(isNew ? filledOnly(sent) : mergePatch(tidy(fields, before), sent));
        } catch (error) {
            setProblem(asProblem(error));
        }
        setBusy(false);
    };
    const cancel = async () => {
        const isSure = !isChanged || await confirm({ title: "Drop your changes?", text: "They are not saved yet.", yes: "Drop them", no: "Keep editing", isDangerous: true });
        if (isSure) onCancel?.();
    };
    const saving = (/** @type {KeyboardEvent} */ event) => {
        if ((event.ctrlKey || event.metaKey) && event.key === "s") {
            event.preventDefault();
            /** @type {HTMLFormElement} */ (event.currentTarget).requestSubmit();
        }
    };
    return html`
        <form class="record-form" onSubmit=${submit} onKeyDown=${saving} novalidate>
            ${problem && html`<${ErrorSummary} problem=${problem} fields=${fields} formId=${formId} />`}
            <div class="card card-body record-fields">
                ${fields.map((field) => html`<${FieldRow} key=${field.path} table=${table} field=${field} formId=${formId} value=${values[field.path]} errors=${problem?.errors ?? []}
                    isNew=${isNew} onChange=${(/** @type {any} */ next) => setValues((now) => ({ ...now, [field.path]: next }))} />`)}
            </div>
            <div class="form-foot">
                <button class="button button-primary" disabled=${isBusy || (!isNew && !isChanged)}>${isBusy ? "Saving…" : isNew ? "Create record" : "Save changes"}</button>
                ${cancelHref ? html`<a class="button" href=${cancelHref}>Cancel</a>` : html`<button type="button" class="button" onClick=${cancel}>Cancel</button>`}
                <span class="muted small" role="status">${isChanged ? "Not saved yet" : ""}</span>
            </div>
        </form>`;
}
