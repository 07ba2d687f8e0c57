import type { AutoencoderEpoch, Images } from '@ddcl/vq';
import { encode as encodePng } from 'fast-png';
import { escapeHtml } from './escape-html.ts';
import { renderFigure } from './figure.ts';
import { htmlPage } from './html-page.ts';
import { lineChart, type LineChart } from './line-chart.ts';
import { pairs } from './tables.ts';

/** All that the page of an autoencoder shows. */
export interface AutoencoderPage {
  readonly title: string;
  readonly about: readonly (readonly [string, string])[];
  readonly history: readonly AutoencoderEpoch[];
  /** Images held out, and what is decoded from their codes. */
  readonly originals: Images;
  readonly reconstructions: Images;
  /** One image whose patches are the codes in order; undefined where a patch has several codes. */
  readonly codebook: Images | undefined;
  readonly settings: readonly (readonly [string, string])[];
  readonly command: string;
  readonly versions: Readonly<Record<string, string>>;
}

const more = `
img.pixels { image-rendering: pixelated; max-width: 100%; height: auto; }
.pairs-of-images img { width: 96px; margin: 2px; }`;

/** The page of a trained autoencoder: curves, the codebook as pictures, originals beside reconstructions. */
export function renderAutoencoder(page: AutoencoderPage): string {
  const { title, about, history, originals, reconstructions, codebook, settings, command, versions } = page;
  const pictures = Array.from({ length: originals.shape[0] }, (_, index) => {
    const pair = [
      picture(originals, index, `original ${index + 1}`),
      picture(reconstructions, index, `decoded ${index + 1}`),
    ];
    return `<span>${pair.join('')}</span>`;
  });
  return htmlPage(
    title,
    [
      `<header>\n<h1>${escapeHtml(title)}</h1>\n</header>`,
      '<section aria-labelledby="final">\n<h2 id="final">Final measurement</h2>',
      `<div class="tables">${pairs('On images held out', about)}</div>\n</section>`,
      '<section aria-labelledby="images">\n<h2 id="images">Originals, each beside what its codes give</h2>',
      `<div class="card pairs-of-images">${pictures.join('\n')}</div>\n</section>`,
      '<section aria-labelledby="codebook">\n<h2 id="codebook">Codebook</h2>',
      codebook === undefined
        ? '<p class="empty">A patch has several codes, so that one alone stands for no picture.</p>'
        : `<div class="card">${picture(codebook, 0, 'patches of the codes in order', 8)}</div>\n<p class="note">What each code decodes to, in order; with context, a whole block of it.</p>`,
      '</section>\n<section aria-labelledby="course">\n<h2 id="course">Course of the training</h2>',
      `<div class="figures">\n${courseFigures(history).map(renderFigure).join('\n')}\n</div>\n</section>`,
      '<section aria-labelledby="origin">\n<h2 id="origin">How it was made</h2>',
      `<div class="card"><h3>Command</h3><pre>${escapeHtml(command)}</pre></div>`,
      `<div class="tables origin">${pairs('Settings', settings)}${pairs('Versions', Object.entries(versions))}</div>\n</section>`,
    ].join('\n'),
    { more, pictures: true },
  );
}

function courseFigures(history: readonly AutoencoderEpoch[]) {
  const steps = history.map(({ epoch }) => epoch);
  const chart = (about: Pick<LineChart, 'id' | 'title' | 'caption' | 'lines'>) =>
    lineChart({ axis: 'epoch', steps, scale: 'linear', ...about });
  const soft = history.flatMap((epoch) => epoch.soft ?? []);
  return [
    chart({
      id: 'course-error',
      title: 'Error',
      caption: 'Mean squared error of pixels in 0..1. Hard is what counts: decoded from codes.',
      lines: [
        { name: 'hard', values: history.map(({ hard }) => hard) },
        { name: 'training', values: history.map(({ train }) => train) },
        ...(soft.length === history.length ? [{ name: 'soft', values: soft }] : []),
      ],
    }),
    chart({
      id: 'course-use',
      title: 'Use',
      caption: 'Share of the codes that some patch of the images held out has.',
      lines: [{ name: 'use', values: history.map(({ use }) => use.use) }],
    }),
    chart({
      id: 'course-perplexity',
      title: 'Perplexity',
      caption: 'How many codes would be as hard to guess if all were used alike.',
      lines: [{ name: 'perplexity', values: history.map(({ use }) => use.perplexity) }],
    }),
  ];
}

/** An image of some as part of the page. */
function picture({ data, shape }: Images, index: number, alt: string, scale = 1): string {
  const [, height, width, channels] = shape;
  const size = height * width * channels;
  const own = data.subarray(index * size, (index + 1) * size);
  const bytes =
    data instanceof Float32Array ? Uint8Array.from(own, (value) => Math.round(255 * value)) : Uint8Array.from(own);
  const png = Buffer.from(encodePng({ width, height, data: bytes, channels, depth: 8 })).toString('base64');
  return `<img class="pixels" alt="${escapeHtml(alt)}" width="${width * scale}" height="${height * scale}" src="data:image/png;base64,${png}">`;
}
