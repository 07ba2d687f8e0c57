// TextEncoder and TextDecoder exist in every host, but belong to no ECMAScript lib; core uses this much of them.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: 'utf-8',
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

export function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** @throws TypeError (of the host) for bytes that are not UTF-8. A byte order mark stays in the text. */
export function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Whether a text has half a surrogate pair, which UTF-8 cannot say. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
