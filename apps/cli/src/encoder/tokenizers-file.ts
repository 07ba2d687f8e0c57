import { createRequire } from 'node:module';

/** The script of the tokenizers. The build puts it beside this file (tooling/bundle-libraries.mjs). */
export const tokenizersFile: string = createRequire(import.meta.url).resolve('@mlc-ai/web-tokenizers');
