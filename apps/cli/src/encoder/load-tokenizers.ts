import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../output/message-of.ts';
import { tokenizersFile } from './tokenizers-file.ts';

/** A tokenizer of Hugging Face's own implementation, compiled to WebAssembly. */
export interface ReferenceTokenizer {
  /** Ids of a text without special tokens around it. Lone surrogates count as U+FFFD. */
  encode(text: string): Int32Array;
  /** What an id stands for in the vocabulary; empty for none. */
  idToToken(id: number): string;
}

interface Library {
  readonly Tokenizer: { fromJSON(json: ArrayBuffer): Promise<ReferenceTokenizer> };
}

/** What the library has printed since it was last asked: it tells reasons nowhere else. */
const printed: string[] = [];
let loading: Promise<Library> | undefined;

/** As much of it as is used: Node has it, its types do not. */
interface AssemblyInterface {
  readonly RuntimeError: unknown;
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<object>;
}
const assembly = (globalThis as unknown as { readonly WebAssembly: AssemblyInterface }).WebAssembly;

let program: ((...values: unknown[]) => void) | undefined;
let compiled: object | undefined;

/** The library's text, bytes and compilation are the same each time: what is loaded after the first only gets memory of its own. */
const kept = {
  atob: (text: string): string => (compiled === undefined ? atob(text) : ''),
  WebAssembly: {
    RuntimeError: assembly.RuntimeError,
    instantiate: async (bytes: Uint8Array, imports: object) => {
      compiled ??= await assembly.compile(bytes);
      return { module: compiled, instance: await assembly.instantiate(compiled, imports) };
    },
  },
};

/**
 * The package is a script for pages in a folder that calls itself a module, so Node can neither import nor require it: its text is run as a page
 * runs it. With a console of its own, since it prints what it cannot read.
 */
async function loadLibrary(): Promise<Library> {
  const module = { exports: {} as Library };
  const print = (...said: unknown[]): void => void printed.push(said.join(' '));
  const scope = {
    exports: module.exports,
    module,
    process: undefined,
    window: globalThis,
    location: { href: pathToFileURL(tokenizersFile).href },
    console: { ...console, log: print, warn: print, error: print },
    ...kept,
  };
  // oxlint-disable-next-line no-new-func
  program ??= new Function(...Object.keys(scope), await readFile(tokenizersFile, 'utf8')) as (
    ...values: unknown[]
  ) => void;
  program(...Object.values(scope));
  return module.exports;
}

/** What the library said last, in words. */
function reasonOf(cause: unknown): string {
  const text = printed.join('\n');
  const said = /Err` value: (?:Error\()?"?([^\n]*?)"?(?:, line: \d+, column: \d+\))?(?:\n|$)/.exec(text);
  return said?.[1] ?? messageOf(cause);
}

/** After a failure the library's memory is not as it should be, and what is opened next would fail without a reason: it gets a new one. */
function failure(cause: unknown): Error {
  loading = undefined;
  return new Error(reasonOf(cause), { cause });
}

function withReason<Result>(work: () => Result): Result {
  printed.length = 0;
  try {
    return work();
  } catch (cause) {
    throw failure(cause);
  }
}

/**
 * @param settings the content of a tokenizer.json
 * @throws Error with the reason, if the reference cannot use it; so does `encode` for text that it refuses
 */
export async function openReferenceTokenizer(settings: object): Promise<ReferenceTokenizer> {
  const { Tokenizer } = await (loading ??= loadLibrary());
  const bytes = new TextEncoder().encode(JSON.stringify(settings));
  printed.length = 0;
  let opened: ReferenceTokenizer;
  try {
    opened = await Tokenizer.fromJSON(bytes.buffer);
  } catch (cause) {
    throw failure(cause);
  }
  return {
    encode: (text) => withReason(() => opened.encode(text)),
    idToToken: (id) => opened.idToToken(id),
  };
}
