// A picture of all tables and the links between them, and the same as a list for those who do not see pictures.
//
// Deliberately elsewhere: where things stand in the picture (model/schema-layout.js), one table's fields (table-schema.js).

import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { CARD_WIDTH, HEAD_HEIGHT, layOut, ROW_HEIGHT } from "../model/schema-layout.js";
import { tables as allTables, words } from "../schema.js";

/**
 * @typedef {import("../schema.js").Table} Table
 * @typedef {import("../model/schema-layout.js").Picture} Picture
 * @typedef {{ x: number, y: number, width: number, height: number }} View The part of the picture that is shown.
 */

const STEP = 1.25;
const SMALLEST = 240;
/** Pixels of a frame that is too narrow for the whole. */
const NARROW = 700;
/** Letters that fit on a card's line. */
const LETTERS = 30;

/** @param {string} text @param {number} [most] */
const shortened = (text, most = LETTERS) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** @param {string} table */
const schemaHref = (table) => `#/tables/${encodeURIComponent(table)}/schema`;

/** What the layout needs of the tables. @param {Table[]} tables */
function linksOf(tables) {
    return tables.map((table) => ({
        name: table.name,
        fieldCount: table.fields.filter((field) => !field.path.includes(".")).length,
        links: table.fields.flatMap((field) => (field.links ?? []).map((to) => ({ path: field.path, to, isList: field.is_list }))),
    }));
}

/** @param {{ card: import("../model/schema-layout.js").Card, state: string, onPoint: (name: string | null) => void }} props */
function CardView({ card, state, onPoint }) {
    const clip = shortened(words(card.name), 24);
    return html`
        <a class=${`schema-card ${state}`} href=${schemaHref(card.name)}
            onMouseEnter=${() => onPoint(card.name)} onMouseLeave=${() => onPoint(null)}
            onFocus=${() => onPoint(card.name)} onBlur=${() => onPoint(null)}>
            <rect class="schema-box" x=${card.x} y=${card.y} width=${card.width} height=${card.height} rx="9" />
            <text class="schema-name" x=${card.x + 14} y=${card.y + 21}>${`${clip} `}</text>
            <text class="schema-note" x=${card.x + 14} y=${card.y + 37}>${card.fieldCount} fields</text>
            ${card.links.length > 0 && html`
                <g aria-hidden="true">
                    <path class="schema-rule" d=${`M${card.x} ${card.y + HEAD_HEIGHT}h${CARD_WIDTH}`} />
                    ${card.links.map((link, at) => {
                        const y = card.y + HEAD_HEIGHT + at * ROW_HEIGHT + 16;
                        return html`
                            <text key=${`${link.path} ${link.to}`} class="schema-link" x=${card.x + 14} y=${y}>${shortened(`${link.path}${link.isList ? " [ ]" : ""}`, 20)}
                                <title>${`${link.path} → ${words(link.to)}`}</title></text>
                            <text class="schema-target" x=${card.x + CARD_WIDTH - 14} y=${y} text-anchor="end">${shortened(words(link.to), 16)}</text>`;
                    })}
                </g>`}
        </a>`;
}

/** Cards and lines. Those of the table that is pointed at stand out. @param {{ picture: Picture }} props */
function Drawing({ picture }) {
    const [pointed, setPointed] = useState(/** @type {string | null} */ (null));
    const near = useMemo(() => {
        const names = new Set([pointed]);
        for (const edge of picture.edges) {
            if (edge.from === pointed) names.add(edge.to);
            if (edge.to === pointed) names.add(edge.from);
        }
        return names;
    }, [pointed, picture]);
    const look = (/** @type {boolean} */ isNear) => (pointed === null ? "" : isNear ? "is-near" : "is-far");
    const lines = [...picture.edges].sort((a, b) => Number(a.from === pointed || a.to === pointed) - Number(b.from === pointed || b.to === pointed));
    return html`
        <g aria-hidden="true">
            ${lines.map((edge) => html`
                <path key=${`${edge.from} ${edge.path} ${edge.to}`} class=${`schema-line ${look(edge.from === pointed || edge.to === pointed)}`}
                    d=${edge.line} marker-end="url(#schema-arrow)" />`)}
        </g>
        ${picture.cards.map((card) => html`
            <${CardView} key=${card.name} card=${card} onPoint=${setPointed}
                state=${`${look(near.has(card.name))} ${card.name === pointed ? "is-pointed" : ""}`} />`)}`;
}

/**
 * The view after zooming by `factor` around a point, given as shares of width and height.
 * @param {View} view @param {number} factor @param {number} [atX] @param {number} [atY] @returns {View}
 */
function zoomed(view, factor, atX = 0.5, atY = 0.5) {
    const width = Math.min(20_000, Math.max(SMALLEST, view.width / factor));
    const height = view.height * (width / view.width);
    return { x: view.x + (view.width - width) * atX, y: view.y + (view.height - height) * atY, width, height };
}

/** @type {Record<string, (view: View) => View>} */
const KEYS = {
    "+": (view) => zoomed(view, STEP),
    "=": (view) => zoomed(view, STEP),
    "-": (view) => zoomed(view, 1 / STEP),
    ArrowLeft: (view) => ({ ...view, x: view.x - view.width / 10 }),
    ArrowRight: (view) => ({ ...view, x: view.x + view.width / 10 }),
    ArrowUp: (view) => ({ ...view, y: view.y - view.height / 10 }),
    ArrowDown: (view) => ({ ...view, y: view.y + view.height / 10 }),
};

/** The view of a picture in a frame of some size, and ways to move it. @param {Picture} picture */
function useView(picture) {
    const frame = useRef(/** @type {SVGSVGElement | null} */ (null));
    const [view, setView] = useState(/** @type {View | null} */ (null));
    const fit = useCallback(() => {
        const svg = frame.current;
        if (!svg) return;
        const { clientWidth } = svg;
        // As high as the whole picture needs at this width, within reason. On a narrow screen the whole would be too small to read:
        // then begin at its left.
        const isNarrow = clientWidth < NARROW;
        const wanted = isNarrow ? innerHeight * 0.6 : (picture.height / picture.width) * clientWidth;
        svg.style.height = `${Math.round(Math.max(320, Math.min(wanted, innerHeight * 0.95)))}px`;
        const { clientHeight } = svg;
        const scale = isNarrow ? 1.2 : Math.max(1, picture.width / clientWidth, picture.height / clientHeight);
        const width = clientWidth * scale;
        const height = clientHeight * scale;
        setView({ width, height, x: isNarrow ? 0 : (picture.width - width) / 2, y: (picture.height - height) / 2 });
    }, [picture]);
    useLayoutEffect(() => {
        fit();
        addEventListener("resize", fit);
        return () => removeEventListener("resize", fit);
    }, [fit]);
    const change = useCallback((/** @type {(view: View) => View} */ next) => setView((before) => before && next(before)), []);
    return { frame, view, fit, change };
}

/** Dragging with the pointer and zooming with Ctrl and the wheel. @param {ReturnType<typeof useView>} controls */
function usePointer({ frame, change }) {
    useEffect(() => {
        const svg = frame.current;
        if (!svg) return undefined;
        const wheel = (/** @type {WheelEvent} */ event) => {
            if (!event.ctrlKey && !event.metaKey) return;
            event.preventDefault();
            const box = svg.getBoundingClientRect();
            change((view) => zoomed(view, event.deltaY < 0 ? STEP : 1 / STEP, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
        };
        let isDragged = false;
        const move = (/** @type {PointerEvent} */ event) => {
            if (!(event.buttons & 1)) return;
            if (Math.abs(event.movementX) + Math.abs(event.movementY) > 0) isDragged = true;
            const scale = (/** @type {View} */ view) => view.width / svg.clientWidth;
            change((view) => ({ ...view, x: view.x - event.movementX * scale(view), y: view.y - event.movementY * scale(view) }));
        };
        const down = () => { isDragged = false; };
        // A drag that ends on a card does not open it.
        const click = (/** @type {MouseEvent} */ event) => { if (isDragged) event.preventDefault(); };
        const still = (/** @type {Event} */ event) => event.preventDefault();
        svg.addEventListener("wheel", wheel, { passive: false });
        svg.addEventListener("pointermove", move);
        svg.addEventListener("pointerdown", down);
        svg.addEventListener("click", click, true);
        svg.addEventListener("dragstart", still);
        return () => {
            svg.removeEventListener("wheel", wheel);
            svg.removeEventListener("pointermove", move);
            svg.removeEventListener("pointerdown", down);
            svg.removeEventListener("click", click, true);
            svg.removeEventListener("dragstart", still);
        };
    }, [change]);
}

/** The view with a card in it: as it is, or with the card in its middle. @param {View} view @param {import("../model/schema-layout.js").Card} card @returns {View} */
function showing(view, card) {
    const isAcross = card.x >= view.x && card.x + card.width <= view.x + view.width;
    const isDown = card.y >= view.y && card.y + card.height <= view.y + view.height;
    return isAcross && isDown ? view : { ...view, x: card.x + (card.width - view.width) / 2, y: card.y + (card.height - view.height) / 2 };
}

/** A button of the picture. @param {{ label: string, keyName: string, icon: string, onPress: () => void }} props */
function Tool({ label, keyName, icon, onPress }) {
    return html`<button type="button" class="icon-button" aria-label=${label} title=${`${label} (${keyName})`} onClick=${onPress}><${Icon} name=${icon} /></button>`;
}

/** @param {{ picture: Picture }} props */
function PictureFrame({ picture }) {
    const controls = useView(picture);
    usePointer(controls);
    const { frame, view, fit, change } = controls;
    const pressed = (/** @type {KeyboardEvent} */ event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const act = event.key === "0" ? fit : KEYS[event.key] && (() => change(/** @type {any} */ (KEYS[event.key])));
        if (!act) return;
        event.preventDefault();
        act();
    };
    const focused = (/** @type {FocusEvent} */ event) => {
        const address = /** @type {Element} */ (event.target).getAttribute("href");
        const card = picture.cards.find((one) => schemaHref(one.name) === address);
        if (card) change((now) => showing(now, card));
    };
    const box = view ?? { x: 0, y: 0, width: picture.width, height: picture.height };
    return html`
        <div class="schema-frame" onKeyDown=${pressed} onFocusIn=${focused}>
            <div class="schema-tools" role="group" aria-label="Zoom">
                <${Tool} label="Zoom in" keyName="+" icon="plus" onPress=${() => change((now) => zoomed(now, STEP))} />
                <${Tool} label="Zoom out" keyName="-" icon="minus" onPress=${() => change((now) => zoomed(now, 1 / STEP))} />
                <${Tool} label="Show all" keyName="0" icon="schema" onPress=${fit} />
            </div>
            <svg ref=${frame} class="schema-svg" viewBox=${`${box.x} ${box.y} ${box.width} ${box.height}`} preserveAspectRatio="xMidYMid meet"
                role="group" tabindex="0" aria-label="Picture of the tables. Arrow keys move it, plus and minus zoom, 0 shows all.">
                <defs><marker id="schema-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
                    <path class="schema-tip" d="M0 0.5 8 4 0 7.5z" /></marker></defs>
                <${Drawing} picture=${picture} />
            </svg>
        </div>`;
}

/** @param {{ picture: Picture }} props */
function AsList({ picture }) {
    const cards = [...picture.cards].sort((a, b) => a.name.localeCompare(b.name));
    return html`
        <details class="card schema-list">
            <summary>The same as a list</summary>
            <dl>
                ${cards.map((card) => {
                    const linkedBy = picture.edges.filter((edge) => edge.to === card.name);
                    return html`
                        <div key=${card.name}>
                            <dt><a href=${schemaHref(card.name)}>${words(card.name)}</a></dt>
                            ${card.links.map((link) => html`<dd key=${`${link.path} ${link.to}`}>${link.isList ? "several" : "one"} of <strong>${words(link.to)}</strong> as <code>${link.path}</code></dd>`)}
                            ${linkedBy.length > 0 && html`<dd class="muted">linked by ${linkedBy.map((edge) => `${words(edge.from)} (${edge.path})`).join(", ")}</dd>`}
                            ${card.links.length + linkedBy.length === 0 && html`<dd class="muted">no links</dd>`}
                        </div>`;
                })}
            </dl>
        </details>`;
}

export default function SchemaPictureScreen() {
    const tables = allTables.value;
    const picture = useMemo(() => layOut(linksOf(tables ?? [])), [tables]);
    const lead = `${picture.cards.length} tables and ${picture.edges.length} links. Point at a table, or move to it with Tab, to see what it hangs together with.`;
    return html`
        <${Page} title="Schema" lead=${lead} isWide actions=${html`<a class="button" href="#/permissions"><${Icon} name="shield" />Permissions</a>`}>
            <${PictureFrame} picture=${picture} />
            <${AsList} picture=${picture} />
        <//>`;
}
