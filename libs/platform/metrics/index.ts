export type { AnyDeclaration, LabelSet } from './declaration.ts';
export { metricAreas, metrics } from './declared/index.ts';
export { nodeMetrics } from './declared/process.ts';
export type { Counter, Gauge, Histogram, LabelsOf, MetricName, Registry } from './instruments.ts';
export { expositionOf, OPEN_METRICS } from './exposition.ts';
export { oneAtATime } from './one-at-a-time.ts';
export { beforeScrape, counterOf, createRegistry, gaugeOf, histogramOf } from './instruments.ts';
export { accountFigures, queueStates, timesLeft } from './label-sets.ts';
export type { ApplyStage, DeliveryOutcome, DeliveryReason, ProducerFailureKind, TimeLeft } from './label-sets.ts';
