import type { BpfObject } from "../bpf/bpf-object.ts";
import { libbpf } from "../bpf/libbpf.ts";
import { pageBytes } from "../sys/page-size.ts";
import { SAMPLE_KNOBS } from "../wire/layout.gen.ts";
import { RSS_THRESHOLD_BYTES, type SamplerOptions } from "./sampler.ts";

/** Sets the read-only data of a sampler's BPF object. Call it before the object is loaded. */
export function setSampleKnobs(object: BpfObject, options: SamplerOptions): void {
  const data = object.readOnlyData;
  if (data.length < SAMPLE_KNOBS.size) throw new Error("the BPF object and the generated layout do not match");
  const knobs = new DataView(data.buffer, data.byteOffset, data.length);
  const thresholdBytes = options.rssThresholdBytes ?? RSS_THRESHOLD_BYTES;
  knobs.setBigUint64(SAMPLE_KNOBS.rss_threshold_bytes, BigInt(thresholdBytes), true);
  knobs.setUint32(SAMPLE_KNOBS.page_size, pageBytes(), true);
  knobs.setUint32(SAMPLE_KNOBS.cpus, libbpf().libbpf_num_possible_cpus(), true);
  data[SAMPLE_KNOBS.splits_modes] = options.splitsModes ? 1 : 0;
  if (options.maxThreads !== undefined) knobs.setUint32(SAMPLE_KNOBS.max_threads, options.maxThreads, true);
}
