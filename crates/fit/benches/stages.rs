//! The stages one by one, on 100,000 simulated flows: `cargo bench -p netdpsyn-fit`.

use divan::Bencher;
use netdpsyn_fit::{Method, Plan, count, count::Marginal, fit};
use netdpsyn_generate::{Request, generate};
use netdpsyn_model::domain::{Attribute, codes, fixed};
use netdpsyn_model::{Bundle, Model};
use netdpsyn_privacy::gaussian::Sampler;
use netdpsyn_privacy::{Guarantee, MaxRecords, NoiseKey, NoiseScale, Rho, Sensitive, Sensitivity};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::flows;
use netdpsyn_trace::{Stage, Trace};
use rand::SeedableRng;
use std::sync::LazyLock;

const ROWS: usize = 100_000;

fn main() {
    divan::main();
}

static TRACE: LazyLock<Trace> = LazyLock::new(|| flows::simulate(ROWS, 1));

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).expect("a guarantee"), Method::Netdpsyn);
    let key = NoiseKey::from_os().expect("randomness");
    fit(Sensitive::new(TRACE.clone()), &flows::schema(), &plan, &key, &Quiet).expect("a fit").bundle
});

/// A thousand draws of noise.
#[divan::bench(args = [1.0, 10.0, 1_000.0])]
fn noise(bencher: Bencher, sigma: f64) {
    let rho = Rho::from_units((Rho::ONE as f64 / (2.0 * sigma * sigma)) as u64);
    let scale = NoiseScale::for_cost(Sensitivity::histogram(MaxRecords::ONE), rho).expect("a scale");
    let sampler = Sampler::new(scale);
    let mut source = rand_chacha::ChaCha20Rng::seed_from_u64(1);
    bencher.bench_local(|| (0..1_000).map(|_| sampler.sample(&mut source)).sum::<i64>());
}

/// Values to codes, for the columns with fixed bins.
#[divan::bench]
fn code(bencher: Bencher) {
    let attributes = fixed_attributes();
    bencher
        .counter(divan::counter::ItemsCount::new(ROWS))
        .bench(|| codes::encode(&TRACE, &attributes, None, &Quiet));
}

/// All pairs of columns with fixed bins, in one pass.
#[divan::bench]
fn count_pairs(bencher: Bencher) {
    let attributes = fixed_attributes();
    let codes = codes::encode(&TRACE, &attributes, None, &Quiet).expect("codes");
    let pairs: Vec<Marginal> = (0..attributes.len())
        .flat_map(|a| (a + 1..attributes.len()).map(move |b| [a, b]))
        .map(|pair| Marginal::new(&pair, &attributes))
        .filter(|marginal| marginal.cells.count() <= 1 << 20)
        .collect();
    let pass = count::Pass::over(&pairs, Stage::Pairs, &Quiet);
    bencher
        .counter(divan::counter::ItemsCount::new(ROWS * pairs.len()))
        .bench(|| count::count(&codes, &pairs, &pass, |_, table| table));
}

/// Everything that is paid for, from values to noisy answers.
#[divan::bench(sample_count = 10)]
fn whole_fit(bencher: Bencher) {
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).expect("a guarantee"), Method::Netdpsyn);
    let key = NoiseKey::from_os().expect("randomness");
    bencher
        .counter(divan::counter::ItemsCount::new(ROWS))
        .with_inputs(|| Sensitive::new(TRACE.clone()))
        .bench_values(|trace| fit(trace, &flows::schema(), &plan, &key, &Quiet));
}

/// Noisy tables made to agree.
#[divan::bench(sample_count = 10)]
fn reconcile(bencher: Bencher) {
    LazyLock::force(&BUNDLE);
    bencher.bench(|| Model::from_bundle(&BUNDLE, &Quiet));
}

/// Records from a model, values included.
#[divan::bench(sample_count = 10)]
fn make_records(bencher: Bencher) {
    let model = Model::from_bundle(&BUNDLE, &Quiet).expect("a model");
    let request = Request { rows: Some(ROWS), seed: 1, ..Request::default() };
    bencher.counter(divan::counter::ItemsCount::new(ROWS)).bench(|| generate(&model, &request, &Quiet));
}

/// Held out by keyed hash or not.
#[divan::bench(sample_count = 10)]
fn split(bencher: Bencher) {
    let key = netdpsyn_fit::split::SplitKey::from_os().expect("randomness");
    bencher
        .counter(divan::counter::ItemsCount::new(ROWS))
        .with_inputs(|| Sensitive::new(TRACE.clone()))
        .bench_values(|trace| netdpsyn_fit::split::split(trace, &flows::schema(), &key, &Quiet));
}

fn fixed_attributes() -> Vec<Attribute> {
    let schema = flows::schema();
    let columns = schema.columns.iter().enumerate();
    let cut = columns.filter_map(|(column, declared)| {
        let partition = fixed::partition(declared, schema.window)?;
        Some(Attribute { column, name: declared.name.clone(), partition })
    });
    cut.collect()
}
