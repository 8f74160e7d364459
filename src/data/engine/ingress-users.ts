/** Who writes what no client has sent, as the statistic `ingress` names it. */
export const ingressUsers = {
  collectd: '_systemuser_collectd',
  graphite: '_systemuser_graphite',
  hintedHandoff: '_systemuser_hintedhandoff',
  monitor: '_systemuser_monitor',
  opentsdb: '_systemuser_opentsdb',
  selectInto: '_systemuser_selectinto',
  udp: '_systemuser_udpwriter',
} as const;
