import { escapeHtml } from './escape-html.ts';
import { style } from './style.ts';

/**
 * A whole page in the style of the reports, which needs nothing else.
 *
 * @param body HTML
 * @param more CSS of this page alone
 */
export function htmlPage(title: string, body: string, more: string = ''): string {
  // The policy makes the browser enforce what the page promises: nothing is fetched and nothing runs.
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
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
