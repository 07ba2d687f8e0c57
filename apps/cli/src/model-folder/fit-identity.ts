import { DdclError } from '@ddcl/core';

/** What decides the files of a fit, as text by name: options, data and program. */
export type FitIdentity = Readonly<Record<string, string>>;

/** Texts longer than this are not shown in messages. */
const shownCharacters = 40;

/**
 * @param what names the earlier fit in the message
 * @throws DdclError `argument` if an earlier fit had other options or data, naming those that differ
 */
export function requireSameFit(what: string, earlier: FitIdentity, now: FitIdentity): void {
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(now)])];
  const differences = names.flatMap((name) => {
    const [was, is] = [earlier[name] ?? 'not set', now[name] ?? 'not set'];
    if (was === is) return [];
    return [
      was.length > shownCharacters || is.length > shownCharacters ? `other ${name}` : `${name} was ${was}, is ${is}`,
    ];
  });
  if (differences.length === 0) return;
  throw new DdclError(
    'argument',
    `${what} belongs to another fit: ${differences.join('; ')}. Give --resume with the same command and data, or choose another --out.`,
  );
}
