// A raw trace that was read can be handed on, and nothing else.
use netdpsyn_formats::Sensitive;
use netdpsyn_trace::Trace;

fn copied(trace: Sensitive<Trace>) -> Trace {
    let mut out = None;
    trace.map(|raw| out = Some(raw));
    out.unwrap()
}

fn counted(trace: &Sensitive<Trace>) -> usize {
    trace.privately(|raw: &Trace| raw.rows()).0
}

fn unwrapped(trace: Sensitive<Trace>) -> Trace {
    trace.0
}

fn main() {}
