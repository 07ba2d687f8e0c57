import { readCorpus } from './data.ts';
import { byId } from './dom.ts';
import { createMap } from './map.ts';
import { createDetail, createDocuments, createTopicList } from './panels.ts';
import { createSelection } from './selection.ts';
import { createTimeline } from './time.ts';
import { createTree } from './tree.ts';

const corpus = readCorpus();
const name = (topic: number): string => corpus.data.topics[topic]!.label;
const views: (() => void)[] = [];
const selection = createSelection(corpus, update);
views.push(
  createTopicList(corpus, selection, name),
  createDetail(corpus, selection, name),
  createMap(corpus, selection, name),
  createTree(corpus, selection, name),
  createTimeline(corpus, selection),
  createDocuments(corpus, selection, name),
);
function update(): void {
  for (const view of views) view();
  byId('clear').hidden = selection.topics === undefined && selection.query === '' && !selection.outliersOnly;
}
update();
const query = byId<HTMLInputElement>('query');
const outliers = byId<HTMLInputElement>('outliers');
query.addEventListener('input', () => selection.search(query.value));
outliers.addEventListener('change', () => selection.onlyOutliers(outliers.checked));
byId('clear').addEventListener('click', () => {
  query.value = '';
  outliers.checked = false;
  selection.onlyOutliers(false);
  selection.search('');
  selection.choose([]);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', update);
document.body.dataset['ready'] = 'true';
