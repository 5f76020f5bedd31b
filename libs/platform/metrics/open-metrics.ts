import promClient from 'prom-client';
import type { Metric, OpenMetricsContentType } from 'prom-client';
import type { Registry } from './instruments.ts';

/** The content type of OpenMetrics, which has exemplars; the older text has none. */
export const OPEN_METRICS = promClient.Registry.OPENMETRICS_CONTENT_TYPE;

/**
 * A registry's metrics as OpenMetrics. prom-client renames counters for good when it writes that, so it is given
 * stand-ins: the metrics themselves go on to be shown as the older text to whoever asks for that.
 */
export const openMetricsOf = async (registry: Registry): Promise<string> => {
  const view = new promClient.Registry<OpenMetricsContentType>();
  view.setContentType(OPEN_METRICS);
  for (const metric of registry.getMetricsAsArray() as unknown as readonly (Metric & { readonly name: string })[])
    view.registerMetric(Object.create(metric, { name: { value: metric.name, writable: true } }) as Metric);
  return view.metrics();
};
