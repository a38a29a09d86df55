// Line icons, drawn on a 24 × 24 grid. They say nothing to screen readers; the text beside them does.

import { html } from "../vendor/preact.js";

/** @type {Record<string, string>} */
const PATHS = {
    home: "M4 11 12 4l8 7M6 9.5V20h4.5v-5.5h3V20H18V9.5",
    users: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.6c2.1.8 3.5 2.7 3.5 5.4",
    user: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20.5c0-4 3.4-6.5 7.5-6.5s7.5 2.5 7.5 6.5",
    history: "M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 7.5V12l3 2",
    shield: "M12 3.5 5 6v5.5c0 4.3 2.9 7.5 7 9 4.1-1.5 7-4.7 7-9V6zM9 12l2.2 2.2L15.5 10",
    schema: "M4 4.5h6v5H4zM14 14.5h6v5h-6zM14 4.5h6v5h-6zM10 7h4M17 9.5v5M7 9.5V17h7",
    code: "m8.5 7-5 5 5 5M15.5 7l5 5-5 5M13.5 4.5l-3 15",
    table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
    search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l4.5 4.5",
    plus: "M12 5v14M5 12h14",
    minus: "M5 12h14",
    close: "M6 6l12 12M18 6 6 18",
    check: "m5 12.5 4.5 4.5L19 7.5",
    more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
    menu: "M4 7h16M4 12h16M4 17h16",
    left: "m14.5 6-6 6 6 6",
    right: "m9.5 6 6 6-6 6",
    up: "m6 14.5 6-6 6 6",
    down: "m6 9.5 6 6 6-6",
    sort: "m8 10 4-4 4 4M8 14l4 4 4-4",
    filter: "M4 6h16l-6.2 7.2V19l-3.6-1.8v-4z",
    columns: "M4 5h16v14H4zM9.3 5v14M14.7 5v14",
    bookmark: "M7 4h10v16l-5-3.8L7 20z",
    download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14",
    upload: "M12 15V4M7.5 8.5 12 4l4.5 4.5M5 19.5h14",
    copy: "M9 9h11v11H9zM15 9V4H4v11h5",
    trash: "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v6M13.7 10.5v6",
    edit: "m5 19 .8-3.8L16.4 4.6l3 3L8.8 18.2zM14.3 6.7l3 3",
    undo: "M8.5 5 4.5 9l4 4M5 9h9.5a5 5 0 0 1 0 10H9",
    link: "M10 14a4 4 0 0 0 6 .4l3-3a4.2 4.2 0 0 0-6-6L11.5 7M14 10a4 4 0 0 0-6-.4l-3 3a4.2 4.2 0 0 0 6 6l1.5-1.6",
    external: "M14 5h5v5M19 5l-8.5 8.5M17 14v5H5V7h5",
    sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
    moon: "M20 14.5A8.3 8.3 0 0 1 9.5 4a8.3 8.3 0 1 0 10.5 10.5z",
    system: "M4 5h16v11H4zM9 20h6M12 16v4",
    alert: "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.01",
    info: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17M12 11v5M12 8v.01",
    lock: "M6 10.5h12v9H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5",
    key: "M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8M11 12.2 19.5 4M16 7.3l2.8 2.8",
    out: "M14 4.5H5v15h9M10 12h10.5M17 8.5l3.5 3.5-3.5 3.5",
    bell: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4",
    bolt: "M13 3.5 5.5 13.5H11L10.5 20.5 18.5 10H13z",
    clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17M12 7.5V12l3 2",
    file: "M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4",
    image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M15.5 9.5a1.3 1.3 0 1 0 0-2.6 1.3 1.3 0 0 0 0 2.6",
    film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4",
    sound: "M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M19 15.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0",
    text: "M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4M9 12h6M9 15.5h6",
    mail: "M4 6h16v12H4zM4 7l8 6.5L20 7",
    refresh: "M19.5 11A7.6 7.6 0 0 0 6 6.8L4 9M4 4.5V9h4.5M4.5 13A7.6 7.6 0 0 0 18 17.2l2-2.2M20 19.5V15h-4.5",
    pin: "M12 21s-6.5-5.7-6.5-11a6.5 6.5 0 0 1 13 0c0 5.3-6.5 11-6.5 11zM12 12.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6",
    device: "M4 5h16v10.5H4zM2.5 19h19",
    queue: "M4 6.5h16M4 12h16M4 17.5h9M17 15v5M14.5 17.5h5",
    play: "M8 5.5v13l10.5-6.5z",
    pause: "M9 5.5v13M15 5.5v13",
    send: "M20.5 3.5 3.5 10.5l6.5 3 3 6.5zM10 13.5 20.5 3.5",
    command: "M9 9h6v6H9zM9 9H6.8A2.3 2.3 0 1 1 9 6.8zM15 9h2.2A2.3 2.3 0 1 0 15 6.8zM9 15H6.8A2.3 2.3 0 1 0 9 17.2zM15 15h2.2a2.3 2.3 0 1 1-2.2 2.2z",
};

/** @param {{ name: string, class?: string }} props */
export function Icon({ name, class: extra = "" }) {
    return html`<svg class=${`icon ${extra}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${PATHS[name] ?? PATHS.info} /></svg>`;
}

/** The mark of the product. */
export function Logo() {
    return html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="9" />
        <g>
            <ellipse cx="11" cy="10.8" rx="2.3" ry="3" transform="rotate(-12 11 10.8)" />
            <ellipse cx="21" cy="10.8" rx="2.3" ry="3" transform="rotate(12 21 10.8)" />
            <ellipse cx="7.2" cy="16.2" rx="1.9" ry="2.5" transform="rotate(-28 7.2 16.2)" />
            <ellipse cx="24.8" cy="16.2" rx="1.9" ry="2.5" transform="rotate(28 24.8 16.2)" />
            <path d="M16 14.6c3.3 0 6.6 4 6.6 6.9 0 2-1.6 3.1-3.3 3.1-1.3 0-2.1-.6-3.3-.6s-2 .6-3.3.6c-1.7 0-3.3-1.1-3.3-3.1 0-2.9 3.3-6.9 6.6-6.9z" />
        </g>
    </svg>`;
}
