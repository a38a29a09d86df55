// Which rows are shown, and the way to the pages before and after.

import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

const SIZES = [20, 50, 100];

/**
 * @param {{ from: number, count: number, total?: number | null, hasNext: boolean, onFirst?: () => void, onBack: () => void, onNext: () => void,
 *   size?: number, onSize?: (size: number) => void, children?: any }} props
 * `from`: number of rows before this page.
 */
export function Pager({ from, count, total, hasNext, onFirst, onBack, onNext, size, onSize, children }) {
    const range = count ? `${(from + 1).toLocaleString()}–${(from + count).toLocaleString()}` : "0";
    const of = total === null || total === undefined ? (hasNext ? " of many" : "") : ` of ${total.toLocaleString()}`;
    return html`
        <nav class="pager" aria-label="Pages">
            <span class="pager-range" aria-live="polite">${range}${of}</span>
            ${children}
            ${size && onSize && html`
                <label class="pager-size"><span>Rows</span>
                    <select class="input input-small" aria-label="Rows per page" value=${String(size)} onChange=${(/** @type {any} */ event) => onSize(Number(event.target.value))}>
                        ${SIZES.map((value) => html`<option key=${value} value=${value} selected=${value === size}>${value}</option>`)}
                    </select>
                </label>`}
            <span class="pager-buttons">
                ${onFirst && html`<button type="button" class="button button-small" disabled=${from === 0} onClick=${onFirst}>First</button>`}
                <button type="button" class="button button-small" disabled=${from === 0} onClick=${onBack}><${Icon} name="left" />Back</button>
                <button type="button" class="button button-small" disabled=${!hasNext} onClick=${onNext}>Next<${Icon} name="right" /></button>
            </span>
        </nav>`;
}
