import { makeMeasures } from '../../cli/src/measures/measures.ts';
import { orbits } from './data/orbits.ts';
import { readNpy } from './data/read-npy.ts';
import type { Vectors } from './data/vectors.ts';
import { chooseBackend, type BackendName } from './fit/choose-backend.ts';
import { createPlayer } from './fit/player.ts';
import { runFit, type Frame, type PageFit, type Scene } from './fit/run-fit.ts';
import { download, modelFolder } from './model/model-folder.ts';
import { courseCharts } from './view/course-charts.ts';
import { planeChart } from './view/plane-chart.ts';
import { showResults } from './view/results-table.ts';

const element = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;
const input = (id: string): HTMLInputElement => element(id);
const button = (id: string): HTMLButtonElement => element(id);

const plane = planeChart('plane');
const course = courseCharts('loss', 'course');
/** A file, or the generated orbits of the seed. */
let vectors: Vectors | undefined;
let running: AbortController | undefined;
let archive: Uint8Array<ArrayBuffer> | undefined;

/** `idle`, `fitting`, `done`, `stopped` or `failed`; tests wait for it. */
function setState(state: string, status: string): void {
  document.body.dataset['state'] = state;
  element('status').textContent = status;
  const isFitting = state === 'fitting';
  button('fit').disabled = isFitting;
  button('stop').disabled = !isFitting;
  button('download').disabled = archive === undefined;
  element('how').hidden = archive === undefined;
}

function showError(error: unknown): void {
  const alert = element('error');
  alert.hidden = error === undefined;
  alert.textContent = error === undefined ? '' : error instanceof Error ? error.message : String(error);
}

function settings(): PageFit {
  const temperature = input('temperature').value;
  return {
    prototypes: input('prototypes').valueAsNumber,
    temperature: temperature === '' ? undefined : Number(temperature),
    seed: input('seed').valueAsNumber,
    standardize: input('standardize').checked,
  };
}

async function startFit(): Promise<void> {
  const controller = (running = new AbortController());
  const asked = settings();
  archive = undefined;
  showError(undefined);
  element('results').hidden = true;
  setState('fitting', 'Starting …');
  const frames: Frame[] = [];
  let scene: Scene | undefined;
  const show = (frame: Frame, isLast = false): void => {
    frames.push(frame);
    plane.show(frame, isLast);
    course.show(
      frames.map(({ record }) => record),
      scene!.criticalTemperature,
    );
  };
  const player = createPlayer(show);
  const { backend, description } = await chooseBackend(element<HTMLSelectElement>('backend').value as BackendName);
  element('device').textContent = description;
  const warnings: string[] = [];
  let last: Frame | undefined;
  try {
    const own = vectors ?? (await orbits(asked.seed));
    const done = await runFit(backend, own, asked, {
      signal: controller.signal,
      onScene: (opened) => plane.open((scene = opened)),
      onFrame: (frame) => player.push((last = frame)),
      onProgress: ({ phase, done: passed, total }) => {
        const share = total === undefined || total === 0 ? '' : ` ${Math.floor((100 * passed) / total)} %`;
        element('status').textContent = `${phase}${share}`;
      },
      onWarning: (warning) => warnings.push(warning),
    });
    await player.finish();
    if (last !== undefined) show(last, true);
    const { result, seconds } = done;
    const { statistics, model, quantities, stability } = result;
    const measures = makeMeasures(backend, statistics.tokens, model, quantities, stability, undefined, seconds);
    showResults(element<HTMLTableElement>('results'), measures);
    archive = modelFolder(own, asked, done, measures);
    setState('done', ['Done.', ...warnings].join(' '));
  } catch (error) {
    player.clear();
    const isStopped = controller.signal.aborted;
    showError(isStopped ? undefined : error);
    setState(isStopped ? 'stopped' : 'failed', isStopped ? 'Stopped.' : 'The fit failed.');
  } finally {
    backend.dispose();
    if (running === controller) running = undefined;
  }
}

async function takeFile(file: File | undefined): Promise<void> {
  if (file === undefined || running !== undefined) return;
  try {
    vectors = await readNpy(file);
    element('source').textContent = vectors.name;
    button('demo').hidden = false;
    showError(undefined);
    // Embeddings are of one scale already; columns of a catalogue, which a person may choose again, are not.
    input('standardize').checked = false;
    setState('idle', 'Ready.');
  } catch (error) {
    showError(error);
  }
}

element<HTMLFormElement>('settings').addEventListener('submit', (event) => {
  event.preventDefault();
  if (running === undefined) void startFit();
});
button('stop').addEventListener('click', () => running?.abort());
button('download').addEventListener('click', () => {
  if (archive !== undefined) download('ddcl-model.zip', archive, 'application/zip');
});
input('file').addEventListener('change', () => void takeFile(input('file').files?.[0]));
button('demo').addEventListener('click', () => {
  vectors = undefined;
  input('file').value = '';
  input('standardize').checked = true;
  button('demo').hidden = true;
  element('source').textContent = '4,000 generated orbits: LEO, MEO, GEO and HEO, five standardized features';
});

const drop = element('drop');
// A file that misses the place would be opened by the browser, in place of the page.
for (const type of ['dragover', 'drop'] as const) document.addEventListener(type, (event) => event.preventDefault());
drop.addEventListener('dragover', () => drop.classList.add('over'));
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', (event) => {
  drop.classList.remove('over');
  void takeFile(event.dataTransfer?.files[0]);
});
if (!('gpu' in navigator)) element<HTMLSelectElement>('backend').value = 'cpu';
