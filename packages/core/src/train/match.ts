/** Whether a name fits one of the patterns, in which `*` stands for any text (dots too) and everything else for itself. */
export function matches(name: string, patterns: string | readonly string[]): boolean {
  return [patterns].flat().some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(name);
  });
}
