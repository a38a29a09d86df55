// Types of what vendor/preact.js exports, as far as the console uses them.

export interface VNode<P = any> {
    type: string | ComponentType<P>;
    props: P & { children?: Children };
    key: any;
}
export type Child = VNode | string | number | bigint | boolean | null | undefined | Signal<any>;
export type Children = Child | Children[];
export type Rendered = VNode | VNode[] | string | number | boolean | null | undefined;
export type ComponentType<P = any> = (props: P & { children?: any }) => Rendered;

export interface Ref<T> {
    current: T;
}

export class Component<P = {}, S = {}> {
    constructor(props?: P, context?: any);
    props: P;
    state: S;
    setState(change: Partial<S> | ((before: S) => Partial<S>), done?: () => void): void;
    forceUpdate(): void;
    render(props?: P, state?: S): Rendered;
}
export interface Context<T> {
    Provider: ComponentType<{ value: T }>;
    Consumer: ComponentType<any>;
}

export function h(type: any, props: any, ...children: any[]): VNode;
export function render(node: Children, parent: Element): void;
export const Fragment: ComponentType;
export function createContext<T>(initial: T): Context<T>;
export function createRef<T = any>(): Ref<T | null>;
export function cloneElement(node: VNode, props?: any, ...children: any[]): VNode;
export function createPortal(node: Children, container: Element): VNode;
export function toChildArray(children: Children): (VNode | string | number)[];

export type Inputs = readonly unknown[];
export function useState<T>(initial: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
export function useReducer<S, A>(reduce: (state: S, action: A) => S, initial: S): [S, (action: A) => void];
export function useEffect(run: () => void | (() => void), inputs?: Inputs): void;
export function useLayoutEffect(run: () => void | (() => void), inputs?: Inputs): void;
export function useMemo<T>(make: () => T, inputs?: Inputs): T;
export function useCallback<F extends (...args: any[]) => any>(callback: F, inputs?: Inputs): F;
export function useRef<T>(initial: T): Ref<T>;
export function useContext<T>(context: Context<T>): T;
export function useId(): string;
export function useErrorBoundary(report?: (error: any) => void): [any, () => void];

export class Signal<T> {
    value: T;
    peek(): T;
    subscribe(run: (value: T) => void): () => void;
}
export interface ReadonlySignal<T> {
    readonly value: T;
    peek(): T;
    subscribe(run: (value: T) => void): () => void;
}
export function signal<T>(initial: T): Signal<T>;
export function computed<T>(make: () => T): ReadonlySignal<T>;
export function effect(run: () => void | (() => void)): () => void;
export function batch<T>(run: () => T): T;
export function untracked<T>(run: () => T): T;
export function useSignal<T>(initial: T): Signal<T>;
export function useComputed<T>(make: () => T): ReadonlySignal<T>;
export function useSignalEffect(run: () => void | (() => void)): void;

/** The tagged template that makes elements. */
export function html(strings: TemplateStringsArray, ...values: any[]): VNode;
