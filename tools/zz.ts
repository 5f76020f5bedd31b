import { readFileSync, writeFileSync } from 'node:fs';
import { renderChartReadme, renderChartTopics } from './chart-documents.ts';
writeFileSync('charts/dakia/files/topics.json', renderChartTopics());
writeFileSync('charts/dakia/README.md', renderChartReadme(readFileSync('charts/dakia/README.md', 'utf8')));
