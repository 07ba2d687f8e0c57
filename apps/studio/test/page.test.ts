import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { chromium, type Browser, type Page } from 'playwright';
import { build, preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainMissing, findChromium } from '../../../tooling/chromium.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));
const found = findChromium();
/** WebGPU in software, the same everywhere. */
const args = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-dawn-features=disable_workgroup_init',
];

/** 600 vectors around three corners of a triangle, as numpy.save writes float32 [600, 2]. */
function npy(rows = 600, spoil?: number): Buffer {
  const corners = [
    [0, 0],
    [10, 0],
    [0, 10],
  ] as const;
  const data = new Float32Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    const [x, y] = corners[row % 3]!;
    data[2 * row] = x + Math.sin(row * 12.9898);
    data[2 * row + 1] = y + Math.cos(row * 78.233);
  }
  if (spoil !== undefined) data[spoil] = NaN;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, 2), }`;
  const header = `${text}${' '.repeat(127 - 10 - text.length)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), Buffer.from(data.buffer)]);
}

if (found === undefined) {
  const problem = `the page in the browser: ${explainMissing()}`;
  if (process.env['CI']) {
    it('needs Chromium', () => {
      throw new Error(problem);
    });
  } else {
    process.stderr.write(`ddcl: skipped ${problem}\n`);
    it.skip('needs Chromium', () => {});
  }
} else {
  describe('the page', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ddcl-studio-'));
    let server: PreviewServer;
    let browser: Browser;
    let withoutGpu: Browser;
    let address = '';

    beforeAll(async () => {
      const page = { root, logLevel: 'error' as const, build: { outDir: join(folder, 'page'), emptyOutDir: true } };
      await build(page);
      server = await preview({ ...page, preview: { port: 0, host: '127.0.0.1' } });
      const { port } = server.httpServer.address() as { port: number };
      address = `http://127.0.0.1:${port}/`;
      browser = await chromium.launch({ executablePath: found, args });
      withoutGpu = await chromium.launch({
        executablePath: found,
        args: ['--disable-features=WebGPU', '--disable-gpu'],
      });
    });
    afterAll(async () => {
      await browser?.close();
      await withoutGpu?.close();
      await server?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A page whose requests and complaints are kept. */
    async function open(own = browser, width = 1280, height = 900) {
      const context = await own.newContext({ viewport: { width, height }, acceptDownloads: true });
      const page = await context.newPage();
      const requests: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => requests.push(request.url()));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(address);
      return { page, requests, complaints, close: () => context.close() };
    }
    /** To be looked at: `DDCL_SCREENSHOTS=folder npm test -- --project studio`. */
    const keepPicture = async (page: Page, name: string): Promise<void> => {
      const pictures = process.env['DDCL_SCREENSHOTS'];
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, name), fullPage: true });
    };
    const state = (page: Page, wanted: string) =>
      page.waitForFunction((name) => document.body.dataset['state'] === name, wanted, { timeout: 150_000 });
    const cell = (page: Page, name: string) =>
      page
        .locator('#results tr', { has: page.locator('th', { hasText: name }) })
        .locator('td')
        .innerText();

    /** Downloads the model and opens it as a user would. */
    async function inspect(page: Page, name: string): Promise<Record<string, unknown>> {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
      expect(download.suggestedFilename()).toBe('ddcl-model.zip');
      const model = join(folder, name);
      mkdirSync(model);
      for (const [file, bytes] of Object.entries(unzipSync(readFileSync(await download.path()))))
        writeFileSync(join(model, file), bytes);
      const { stdout, stderr, status } = spawnSync(process.execPath, [cli, 'inspect', model, '--json'], {
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([0, '']);
      return JSON.parse(stdout) as Record<string, unknown>;
    }

    it('fits the orbits on WebGPU, shows it, and gives a model that ddcl opens; nothing leaves the page', async () => {
      const { page, requests, complaints, close } = await open();
      await page.click('#fit');
      await state(page, 'done');
      expect(await page.locator('#device').innerText()).toContain('webgpu');
      expect(await page.locator('#status').innerText()).toBe('Done.');
      expect(await cell(page, 'prototypes')).toContain('used 100 %, distinct 4 of 4');
      expect(await cell(page, 'backend')).toContain('webgpu');
      const drawn = await page.locator('#plane canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set<number>();
        for (let at = 0; at < data.length; at += 4)
          if (data[at + 3]! > 200) colours.add((data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!);
        return colours.size;
      });
      expect(drawn).toBeGreaterThan(10);
      const summary = await inspect(page, 'orbits');
      expect(summary).toMatchObject({
        prototypes: 4,
        dimension: 5,
        preprocessing: { standardize: true, normalize: false },
        data: {
          columns: ['semi_major_axis_km', 'eccentricity', 'inclination_deg', 'perigee_km', 'apogee_km'],
          tokens: 4000,
        },
      });
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith(address) && !/^(data|blob):/.test(url))).toEqual([]);
      await keepPicture(page, 'desktop.png');
      await close();
    });

    it('fits a dropped file on the processor where there is no WebGPU, says so, and the model encodes it', async () => {
      const { page, complaints, close } = await open(withoutGpu, 390, 844);
      await page.selectOption('#backend', 'webgpu');
      const bytes = [...npy()];
      await page.evaluate((numbers) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(numbers)], 'corners.npy'));
        document
          .getElementById('drop')!
          .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }));
      }, bytes);
      await page.waitForFunction(() => document.getElementById('source')!.textContent.includes('corners.npy'));
      await page.fill('#prototypes', '3');
      await page.click('#fit');
      await state(page, 'done');
      expect(await page.locator('#device').innerText()).toMatch(/On the processor.*since WebGPU does not start here/);
      expect(await cell(page, 'prototypes')).toContain('distinct 3 of 3');
      expect(await inspect(page, 'corners')).toMatchObject({ prototypes: 3, dimension: 2, data: { tokens: 600 } });
      writeFileSync(join(folder, 'corners.npy'), npy());
      const out = join(folder, 'occupancy.npy');
      const encode = [
        'encode',
        join(folder, 'corners'),
        join(folder, 'corners.npy'),
        '--out',
        out,
        '--outputs',
        'assignments',
      ];
      const { status, stderr } = spawnSync(process.execPath, [cli, ...encode], { encoding: 'utf8' });
      expect([status, stderr.includes('error')]).toEqual([0, false]);
      // No part is wider than the phone.
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      expect(complaints).toEqual([]);
      await keepPicture(page, 'phone.png');
      await close();
    });

    it('tells what is wrong with a file or a setting, and goes on', async () => {
      const { page, close } = await open(withoutGpu);
      const give = (name: string, buffer: Buffer) =>
        page.setInputFiles('#file', { name, mimeType: 'application/octet-stream', buffer });
      const told = async (text: RegExp): Promise<void> => {
        await page.waitForFunction(
          (source) => new RegExp(source).test(document.getElementById('error')!.textContent),
          text.source,
        );
      };
      await give('text.npy', Buffer.from('a,b\n1,2\n'));
      await told(/text.npy: is not an .npy file/);
      await give('spoiled.npy', npy(600, 7));
      await told(/row 3, column 1 .* is NaN; numbers must be finite/);
      await give('few.npy', npy(3));
      await page.waitForFunction(() => document.getElementById('error')!.hidden);
      await page.fill('#prototypes', '5');
      await page.click('#fit');
      await state(page, 'failed');
      await told(/5 prototypes need at least as many distinct tokens, but there are 3/);
      await page.fill('#prototypes', '2');
      await page.click('#fit');
      await state(page, 'done');
      await close();
    });

    it('stops', async () => {
      const { page, close } = await open(withoutGpu);
      await give(page, npy(60_000));
      await page.fill('#prototypes', '256');
      await page.click('#fit');
      await state(page, 'fitting');
      await page.click('#stop');
      await state(page, 'stopped');
      expect(await page.locator('#download').isDisabled()).toBe(true);
      await close();
    });

    const give = async (page: Page, buffer: Buffer): Promise<void> => {
      await page.setInputFiles('#file', { name: 'many.npy', mimeType: 'application/octet-stream', buffer });
      await page.waitForFunction(() => document.getElementById('source')!.textContent.includes('many.npy'));
    };
  });
}
