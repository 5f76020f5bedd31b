import { BigValueColorMode, BigValueGraphMode } from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { consumers } from './consumers.ts';
import { ingest } from './ingest.ts';
import { notifications } from './notifications.ts';
import { overview } from './overview.ts';
import type { Dashboard, Panel } from './panels.ts';
import { retries } from './retries.ts';
import { runtime } from './runtime.ts';

export const dashboards: readonly Dashboard[] = [overview, ingest, consumers, retries, notifications, runtime];
export const dashboardPath = (name: string): string => `deploy/observability/dashboards/${name}.json`;

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** Of Grafana's grid, which is 24 wide. */
const WIDTH = 24;
const LINES = { width: 8, height: 8 };
const NUMBER_HEIGHT = 4;
/** Also where no label says a namespace, as beside `npm start`. */
const EVERYTHING = '.*';

const choice = (name: string, label: string, query: string) =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(EVERYTHING)
    .current({ text: 'All', value: '$__all' });

const thresholds = (redFrom: number) => {
  const [below, above] = redFrom < 0 ? ['red', 'green'] : ['green', 'red'];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: below },
    { value: Math.abs(redFrom), color: above },
  ]);
};

const targets = ({ queries }: Panel) =>
  queries.map(({ expr, legend }, index) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + index))
      .expr(expr)
      .legendFormat(legend)
      .range(),
  );

const panelOf = (panel: Panel, numbers: number) => {
  const { title, says, unit, redFrom } = panel;
  const description = panel.onlyIn === undefined ? says : `${says} Empty until ${panel.onlyIn}.`;
  const made =
    panel.kind === 'number'
      ? new StatBuilder()
          .colorMode(redFrom === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
          .graphMode(BigValueGraphMode.Area)
          .height(NUMBER_HEIGHT)
          .span(Math.floor(WIDTH / numbers))
      : new TimeseriesBuilder().min(0).height(LINES.height).span(LINES.width);
  const built = made.title(title).description(description).unit(unit).datasource(DATASOURCE).targets(targets(panel));
  return redFrom === undefined ? built : built.thresholds(thresholds(redFrom));
};

/** The JSON that Grafana imports. */
export const renderDashboard = ({ name, title, says, rows }: Dashboard): string => {
  const builder = new DashboardBuilder(title)
    .uid(`dakia-${name}`)
    .description(says)
    .tags(['dakia'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .link(new DashboardLinkBuilder('Dakia').type(DashboardLinkType.Dashboards).tags(['dakia']).asDropdown(true))
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(choice('namespace', 'Namespace', 'label_values(dakia_build_info, namespace)'))
    .withVariable(choice('family', 'Family', 'label_values(dakia_events_total, family)'));
  let id = 0;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id((id += 1)));
    const numbers = row.panels.filter(({ kind }) => kind === 'number').length;
    for (const panel of row.panels) builder.withPanel(panelOf(panel, numbers).id((id += 1)));
  }
  return `${JSON.stringify(builder.build(), null, 2)}\n`;
};
