/** Whether a name fits one of the patterns, in which `*` stands for any text (dots and line ends too) and everything else for itself. */
export function matches(name: string, patterns: string | readonly string[]): boolean {
  return [patterns].flat().some((pattern) => matchesOne(name, pattern));
}

/** The leftmost place for each part between stars is enough, so that the time grows with the lengths alone. */
function matchesOne(name: string, pattern: string): boolean {
  const [first, ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first!)) return false;
  let from = first!.length;
  for (const part of others) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
