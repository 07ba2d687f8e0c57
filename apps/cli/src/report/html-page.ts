import { escapeHtml } from './escape-html.ts';
import { style } from './style.ts';

/**
 * A whole page in the style of the reports, which needs nothing else.
 *
 * @param body HTML
 * @param more CSS of this page alone
 * @param pictures whether it has images, which must be part of it
 */
export function htmlPage(
  title: string,
  body: string,
  { more = '', pictures = false }: { readonly more?: string; readonly pictures?: boolean } = {},
): string {
  // The policy makes the browser enforce what the page promises: nothing is fetched and nothing runs.
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'${pictures ? '; img-src data:' : ''}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
${style}${more}
</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
