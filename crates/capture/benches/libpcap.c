/* What libpcap takes to hand out every packet of a file: cc -O2 libpcap.c -lpcap -o libpcap && ./libpcap FILE. examples/count.rs does the same, and reads every header. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <time.h>
static unsigned long n, bytes;
static void one(u_char *u, const struct pcap_pkthdr *h, const u_char *b) { (void)u; n++; bytes += h->caplen + b[0]; }
int main(int c, char **v) {
  char e[PCAP_ERRBUF_SIZE]; struct timespec a, z; (void)c;
  clock_gettime(CLOCK_MONOTONIC, &a);
  pcap_t *p = pcap_open_offline(v[1], e); if (!p) { puts(e); return 1; }
  pcap_loop(p, -1, one, NULL);
  clock_gettime(CLOCK_MONOTONIC, &z);
  double s = (z.tv_sec - a.tv_sec) + 1e-9 * (z.tv_nsec - a.tv_nsec);
  printf("%lu packets, %.3f s, %.1f M packets/s\n", n, s, n / s / 1e6);
}
