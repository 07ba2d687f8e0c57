import { existsSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ortBackend, type OrtRuntime } from '@ddcl/backend-ort';
import { isDdclError } from '@ddcl/core';
import { Command, InvalidArgumentError } from 'commander';
import * as ort from 'onnxruntime-node';
import { codebookCurves, codebookIntroduction, codebookTables, groupRuns } from './codebook-page.ts';
import { contestants, firstPictures, pictureCount, readCifar, runCodebooks } from './codebook-runs.ts';
import { documentClusters, documentClustersPage } from './document-clusters.ts';
import { longDocuments, longDocumentsPage } from './long-documents.ts';
import { longTexts } from './long-texts.ts';
import { umapMap } from '@ddcl/hier';
import { UMAP } from 'umap-js';
import { hierarchyTables, runHierarchies, type Code, type HierarchyRun, type PeerRun } from './hierarchies.ts';
import { dynamicsFigure, mapFigure } from './hierarchy-figures.ts';
import { pictureGrid } from './picture.ts';
import { guidePage, readGuide } from './readout-guide.ts';
import { plantedOutliers, plantedOutliersPage } from './planted-outliers.ts';
import { readLabelledDocuments } from './read-documents.ts';
import { spaceObjects, spaceObjectsPage } from './space-objects.ts';

interface CommonOptions {
  readonly seeds: number;
  readonly out?: string;
  readonly json?: boolean;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`Expected a whole number >= 1, got '${text}'.`);
}

function numberList(text: string): number[] {
  return text.split(',').map(wholeNumber);
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function publish(results: unknown, page: string, { out, json }: CommonOptions): Promise<void> {
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : page);
  if (out === undefined) return;
  await writeFile(`${out}.tmp`, page);
  await rename(`${out}.tmp`, out);
}

const program = new Command('experiments').description("the papers' tables, run again; results in docs/results");
program
  .command('space-objects')
  .description('the catalogue of Earth orbits (needs DDCL_DATA or ../shared/data)')
  .option('--seeds <N>', 'seeds of the annealed fit', wholeNumber, 10)
  .option('--out <file.md>', 'write the page here too')
  .option('--json', 'print JSON instead of the page')
  .action(async (options: CommonOptions) => {
    const outcomes = await spaceObjects(options.seeds, say);
    await publish(
      outcomes,
      spaceObjectsPage(outcomes, `node apps/experiments/dist/main.js space-objects --seeds ${options.seeds}`),
      options,
    );
  });
program
  .command('planted-outliers')
  .description('eight Gaussian clusters in 16 dimensions with 1 % outliers')
  .option('--prototypes <list>', 'numbers of prototypes', numberList, [2, 8, 32])
  .option('--seeds <N>', 'data sets', wholeNumber, 10)
  .option('--restarts <R>', 'restarts of each fit', wholeNumber, 10)
  .option('--cache <file.jsonl>', 'keep finished fits here, so that an interrupted run goes on')
  .option('--out <file.md>', 'write the page here too')
  .option('--json', 'print JSON instead of the page')
  .action(async (options: CommonOptions & { prototypes: number[]; restarts: number; cache?: string }) => {
    const results = await plantedOutliers(options, say);
    const command = `node apps/experiments/dist/main.js planted-outliers --prototypes ${options.prototypes.join(',')} --seeds ${options.seeds} --restarts ${options.restarts}`;
    await publish(results, plantedOutliersPage(results, command), options);
  });
program
  .command('readouts')
  .description(
    "which readout for which task, labels and bytes, from what 'ddcl compare --resume SET-LABELS-ANYTHING.jsonl' kept",
  )
  .argument('<files...>', 'those files')
  .option('--introduction <text>', 'what stands above the tables', 'Frozen token vectors.')
  .option('--out <file.md>', 'write the page here too')
  .action(async (files: string[], options: { introduction: string; out?: string }) => {
    const sets = await readGuide(files);
    await publish(sets, guidePage(sets, options.introduction), { seeds: 0, ...options });
  });
program
  .command('document-clusters')
  .description("documents by their mean vectors, beside k-means; folders of 'ddcl encode-tokens --labels'")
  .argument('<folders...>', 'folders of token shards, taken together')
  .option('--prototypes <K>', 'number of prototypes and centroids', wholeNumber, 20)
  .option('--seeds <N>', 'seeds', wholeNumber, 10)
  .option('--out <file.md>', 'write the page here too')
  .option('--json', 'print JSON instead of the page')
  .action(async (folders: string[], options: CommonOptions & { prototypes: number }) => {
    const backend = await ortBackend({ runtime: ort as unknown as OrtRuntime, executionProviders: ['cpu'] });
    const results = await documentClusters(backend, { folders, ...options }, say);
    backend.dispose();
    const { prototypes, seeds } = options;
    const command = `node apps/experiments/dist/main.js document-clusters FOLDERS --prototypes ${prototypes} --seeds ${seeds}`;
    await publish(results, documentClustersPage(results, prototypes, command), options);
  });
program
  .command('long-documents')
  .description('long messages of 20 Newsgroups in few vectors, beside Ward pooling')
  .argument('<data>', 'folder of 20 Newsgroups')
  .requiredOption('--encoder <folder>', 'folder of the encoder')
  .requiredOption('--cache <folder>', 'keep encoded texts here')
  .option('--tokens <N>', 'tokens of each document', wholeNumber, 4096)
  .option('--budgets <list>', 'vectors of each document', numberList, [32])
  .option('--seeds <N>', 'seeds', wholeNumber, 3)
  .option('--map <file.html>', 'write the map of what was lost of the first document here')
  .option('--out <file.md>', 'write the page here too')
  .option('--json', 'print JSON instead of the page')
  .action(
    async (
      data: string,
      options: CommonOptions & { encoder: string; cache: string; tokens: number; budgets: number[]; map?: string },
    ) => {
      const texts = await longTexts({ data, ...options }, say);
      const runtime = ort as unknown as OrtRuntime;
      const backend = await ortBackend({ runtime, executionProviders: ['cpu'], threads: 1 });
      const results = await longDocuments(backend, texts, options, say);
      backend.dispose();
      if (options.map !== undefined) await writeFile(options.map, results.map);
      const { tokens, budgets, seeds } = options;
      const command = `node apps/experiments/dist/main.js long-documents DATA --encoder all-MiniLM-L6-v2 --cache CACHE --tokens ${tokens} --budgets ${budgets.join(',')} --seeds ${seeds}`;
      await publish(results.outcomes, longDocumentsPage(results, command), options);
    },
  );
program
  .command('hierarchies')
  .description("topics of labelled documents by level, beside k-means; a folder of 'ddcl encode-tokens --labels'")
  .argument('<folder>', 'folder of token shards')
  .requiredOption('--text <file.jsonl>', 'the texts of the same documents, for words')
  .requiredOption('--stop-words <file>', 'words that are left out, one a line')
  .requiredOption('--cache <file.jsonl>', 'finished fits, which are not made again')
  .option('--peers <file.jsonl>', 'topics of other programs, of apps/bench/peers/topics_peer.py')
  .option('--topics <K>', 'number of topics', wholeNumber, 20)
  .option('--seeds <N>', 'seeds', wholeNumber, 5)
  .option('--methods <list>', 'names, separated by semicolons', (text) => text.split(';'))
  .option('--no-shuffle', 'leave out the fits of shuffled documents')
  .option('--figure <file.svg>', "draw the course of the last method's first seed")
  .option('--map <file.svg>', "draw the last method's documents, first seed, by UMAP")
  .action(
    async (
      folder: string,
      options: {
        text: string;
        stopWords: string;
        cache: string;
        topics: number;
        seeds: number;
        shuffle: boolean;
        methods?: string[];
        figure?: string;
        map?: string;
        peers?: string;
      },
    ) => {
      const lines = async (file: string): Promise<string[]> => (await readFile(file, 'utf8')).trimEnd().split('\n');
      const texts = (await lines(options.text)).map((line) => (JSON.parse(line) as { text: string }).text);
      const backend = await ortBackend({
        runtime: ort as unknown as OrtRuntime,
        executionProviders: ['cpu'],
        threads: 1,
      });
      const read = async <Line>(file: string | undefined): Promise<Line[]> =>
        file === undefined || !existsSync(file) ? [] : (await lines(file)).map((line) => JSON.parse(line) as Line);
      const runs = await read<HierarchyRun>(options.cache);
      const { methods: only, peers, map, ...rest } = options;
      const documents = await readLabelledDocuments(folder);
      const settings = {
        ...rest,
        texts,
        stopWords: await lines(options.stopWords),
        peers: await read<PeerRun>(peers),
        ...(only !== undefined && { only }),
        isDone: (method: string, seed: number) => runs.some((run) => run.method === method && run.seed === seed),
        onCodes: (method: string, seed: number, codes: readonly Code[]) => {
          if (map === undefined || seed !== 0) return;
          const assigned = Int32Array.from(codes, ({ topic }) => topic);
          const width = codes[0]!.vector.length;
          const vectors = Float32Array.from(codes.flatMap(({ vector }) => [...vector]));
          const { positions } = umapMap(UMAP, vectors, width, { topics: assigned });
          writeFileSync(map, mapFigure(positions, { topics: assigned, labels: documents.labels, title: method }));
        },
      };
      for await (const run of runHierarchies(backend, documents, settings)) {
        runs.push(run);
        const { history, ...figures } = run;
        say(JSON.stringify(figures));
        await appendFile(options.cache, `${JSON.stringify(run)}\n`);
        if (options.figure !== undefined && run.seed === 0 && history.length > 0)
          await writeFile(options.figure, dynamicsFigure(history));
      }
      backend.dispose();
      process.stdout.write(hierarchyTables(runs, 'node apps/experiments/dist/main.js hierarchies FOLDER'));
    },
  );
program
  .command('codebooks')
  .description('quantizers in an autoencoder of CIFAR-10 (needs its exact images)')
  .argument('<file>', 'train_lossless_4000.bin.gz')
  .option('--codes <list>', 'sizes of the codebook', numberList, [64, 1024])
  .option('--contexts <list>', 'patches that the networks see together, across and down', numberList, [1, 2])
  .option('--quantizers <list>', 'names, separated by semicolons', (text) => text.split(';'))
  .option('--seeds <N>', 'seeds', wholeNumber, 3)
  .requiredOption('--cache <file.jsonl>', 'keep finished trainings here, so that an interrupted run goes on')
  .option('--figures <folder>', 'write curves and pictures there')
  .action(
    async (
      file: string,
      options: {
        codes: number[];
        contexts: number[];
        quantizers?: string[];
        seeds: number;
        cache: string;
        figures?: string;
      },
    ) => {
      const backend = await ortBackend({
        runtime: ort as unknown as OrtRuntime,
        executionProviders: ['cpu'],
        threads: 1,
      });
      const names = options.quantizers ?? contestants.map(({ name }) => name);
      const cifar = readCifar(file);
      const runs = await runCodebooks(backend, cifar, { ...options, names }, say);
      backend.dispose();
      process.stdout.write(`${codebookIntroduction}\n\n${codebookTables(runs)}\n`);
      if (options.figures === undefined) return;
      await mkdir(options.figures, { recursive: true });
      const sizes = new Set(runs.map(({ codes, context }) => `${codes} ${context}`));
      for (const [codes, context] of [...sizes].map((size) => size.split(' ').map(Number) as [number, number])) {
        const name = join(options.figures, `codebooks-${codes}${context > 1 ? '-context' : ''}`);
        await writeFile(`${name}.svg`, codebookCurves(runs, codes, context));
        // The originals above what each quantizer makes of them.
        const rows = groupRuns(runs)
          .filter((group) => group.codes === codes && group.context === context)
          .map((group) => new Uint8Array(Buffer.from(group.runs[0]!.pictures, 'base64')));
        const originals = firstPictures(cifar.holdOut).data as Uint8Array;
        await writeFile(`${name}.png`, pictureGrid([originals, ...rows], pictureCount));
      }
    },
  );

try {
  await program.parseAsync();
} catch (error) {
  if (!isDdclError(error)) throw error;
  say(`experiments: ${error.message}`);
  process.exitCode = 2;
}
