// The templates of mails, each as it looks with made-up data, in each of its languages.

import { html, useId } from "../vendor/preact.js";
import { get } from "../api.js";
import { templateWords } from "../model/mails.js";
import { useResource } from "../resource.js";
import { Badge } from "./badge.js";
import { MailPreview } from "./mail-preview.js";
import { ProblemNote } from "./problem.js";
import { searchOf } from "./search-bar.js";
import { Skeleton } from "./skeleton.js";

/** @typedef {import("../schema.js").Schemas["MailTemplate"]} Template @typedef {import("../schema.js").Schemas["MailPreview"]} Preview */

const languages = new Intl.DisplayNames(undefined, { type: "language" });

/** @param {{ template: Template, locale: string }} props */
function Sample({ template, locale }) {
    const path = `/mail/templates/${encodeURIComponent(template.code)}/preview`;
    const { data, problem, isSlow, reload } = useResource((signal) => /** @type {Promise<Preview>} */ (get(path, { locale }, signal)), [template.code, locale]);
    return html`
        <p>${template.description} ${template.overridden.includes(locale) && html`<${Badge} text="yours" kind="accent" title="A file in the data folder replaces it" />`}</p>
        ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
        ${isSlow && html`<${Skeleton} rows=${6} />`}
        ${data && html`<${MailPreview} key=${`${template.code} ${locale}`} preview=${data} isSample />`}`;
}

/** A select whose choice must be one. @param {{ label: string, value: string, options: { value: string, label: string }[], onChange: (value: string) => void }} props */
function Select({ label, value, options, onChange }) {
    const id = useId();
    return html`
        <div class="filter-field"><label for=${id}>${label}</label>
            <select class="input" id=${id} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>${options.map((option) => html`
                <option key=${option.value} value=${option.value} selected=${option.value === value}>${option.label}</option>`)}</select></div>`;
}

/** @param {{ query: URLSearchParams }} props */
export function MailTemplates({ query }) {
    const { data, problem, isSlow, reload } = useResource((signal) => /** @type {Promise<{ items: Template[] }>} */ (get("/mail/templates", {}, signal)), []);
    const { value, put } = searchOf("/outbox", query);
    const templates = data?.items ?? [];
    const template = templates.find(({ code }) => code === value("template")) ?? templates[0];
    const locale = template?.locales.find((known) => known === value("locale")) ?? (template?.locales.includes("en") ? "en" : template?.locales[0] ?? "");
    return html`
        <div class="stack">
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            ${template && html`
                <div class="two">
                    <${Select} label="Template" value=${template.code} onChange=${(/** @type {string} */ code) => put({ template: code })}
                        options=${templates.map(({ code }) => ({ value: code, label: templateWords(code) }))} />
                    <${Select} label="Language" value=${locale} onChange=${(/** @type {string} */ next) => put({ locale: next })}
                        options=${template.locales.map((known) => ({ value: known, label: languages.of(known) ?? known }))} />
                </div>
                <${Sample} template=${template} locale=${locale} />`}
        </div>`;
}
