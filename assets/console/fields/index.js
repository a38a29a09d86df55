// The component of each field type: `{ cell, input, filter }`, one file per type.
//
// A new type is one file here and one line below; what has no line is shown and edited as JSON.

import { isFileLink } from "../model/files.js";
import * as boolean from "./boolean.js";
import * as date from "./date.js";
import * as datetime from "./datetime.js";
import * as enumeration from "./enum.js";
import * as fallback from "./fallback.js";
import * as file from "./file.js";
import * as link from "./link.js";
import * as list from "./list.js";
import * as longText from "./long-text.js";
import * as money from "./money.js";
import * as number from "./number.js";
import * as object from "./object.js";
import * as point from "./point.js";
import * as text from "./text.js";
import * as timezone from "./timezone.js";

/**
 * @typedef {import("../schema.js").Field} Field
 * @typedef {import("../schema.js").Table} Table
 * @typedef {object} CellProps
 * @property {Field} field
 * @property {any} value Never null or undefined.
 * @property {Table} [table]
 * @property {boolean} [isWhole] Shown in full, on a record's own page.
 * @typedef {object} FieldProps
 * @property {Field} field
 * @property {any} value
 * @property {(value: any) => void} onChange
 * @property {import("../components/form-field.js").InputProps} input
 * @property {Table} [table]
 * @property {string} [label] How the field is called, for screen readers.
 * @property {string} [placeholder]
 * @property {boolean} [isDisabled]
 * @property {boolean} [isNew] Whether the record is being made.
 * @property {import("../api.js").FieldError[]} [errors] All errors of the form, for fields inside this one.
 * @property {string} [pointer] Where the value is in the body.
 * @typedef {{ field: Field, op: string, value: string, onChange: (value: string) => void, id: string }} FilterProps
 * @typedef {{ cell: (props: CellProps) => any, input: (props: FieldProps) => any, filter: (props: FilterProps) => any }} FieldType
 */

/** @type {Record<string, FieldType>} */
const TYPES = {
    text, email: text, phone: text, url: text, uuid: text, long_text: longText, timezone,
    integer: number, number, decimal: number, money, boolean, date, datetime, enum: enumeration,
    link, links_any: link, object, point,
};

/** What shows one value of the field's type. @param {Field} field */
export const typeOf = (field) => (isFileLink(field) ? file : TYPES[field.type] ?? fallback);
/** @param {Field} field */
export const cellOf = (field) => (field.is_list ? list.cell : typeOf(field).cell);
/** @param {Field} field */
export const inputOf = (field) => (!field.is_list ? typeOf(field).input : isFileLink(field) ? file.listInput : list.input);
/** What a filter's value is typed with; lists are compared by one of their items. @param {Field} field */
export const filterOf = (field) => typeOf(field).filter;
/** Whether a column of the field is aligned to the right. @param {Field} field */
export const isNumber = (field) => !field.is_list && ["integer", "number", "decimal", "money"].includes(field.type);
/** Whether the input is several controls, so that a fieldset names them. @param {Field} field */
export const isGroup = (field) => field.type === "boolean" || field.type === "point" || (field.type === "object" && !field.is_list) || (field.is_list && (field.type === "enum" || isFileLink(field)));
/** Types too long for a table's cell unless asked for. @param {Field} field */
export const isHeavy = (field) => ["long_text", "object", "bytes", "geometry", "any", "array"].includes(field.type);
