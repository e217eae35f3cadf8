//! Disk usage of this server, by kind and by tenant. Sizes come in steps and files have no names, so that an administrator learns what to make room for and not how
//! many records a trace has.

use super::app::{App, Caller};
use super::problem::Problem;
use crate::storage::named::Named;
use crate::storage::{disk, named, releases, tenants};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Sizes are told in steps of this many bytes, rounded up.
const STEP: u64 = 1 << 20;
/// Tenants that are told of at most.
const TENANTS: i64 = 10_000;

/// Disk space, in steps of 1 MiB.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"free_bytes": 42949672960u64, "reserve_bytes": 268435456, "tenant_limit_bytes": 68719476736u64,
    "all": {"traces": 1048576, "bundles": 2097152, "releases": 3145728, "cache": 1048576, "reports": 1048576}, "unnamed_bytes": 0,
    "tenants": [{"id": "0199c0de-0000-7000-8000-000000000007", "name": "campus", "sizes": {"traces": 1048576, "bundles": 2097152, "releases": 3145728, "cache": 1048576, "reports": 1048576}}]}))]
pub struct StorageView {
    /// Free bytes on the disk of the data directory.
    pub free_bytes: u64,
    /// Reserve in bytes for writes that must succeed on a full disk (NETDPSYN_MIN_FREE_BYTES).
    pub reserve_bytes: u64,
    /// Bytes that traces and releases of one tenant may take (NETDPSYN_MAX_TENANT_BYTES).
    pub tenant_limit_bytes: u64,
    /// All tenants together.
    pub all: SizesView,
    /// Files that the database does not name: unfinished work, and leftovers of a killed server. They are removed a day after they were last written.
    pub unnamed_bytes: u64,
    /// Each tenant, oldest first: at most 10,000.
    pub tenants: Vec<TenantSizes>,
}

/// Bytes by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SizesView {
    /// Raw traces.
    pub traces: u64,
    /// Measurement bundles of fits.
    pub bundles: u64,
    /// Synthetic traces.
    pub releases: u64,
    /// Synthetic traces in other formats: caches that are made again on demand.
    pub cache: u64,
    /// Release reports and private reports, in the database.
    pub reports: u64,
}

impl SizesView {
    /// Each kind with its name and its bytes.
    pub fn named(&self) -> [(&'static str, u64); 5] {
        let SizesView { traces, bundles, releases, cache, reports } = *self;
        [
            ("raw traces", traces),
            ("bundles", bundles),
            ("releases", releases),
            ("cache of other formats", cache),
            ("reports", reports),
        ]
    }

    /// In steps.
    fn stepped(self) -> Self {
        let SizesView { traces, bundles, releases, cache, reports } = self;
        let [traces, bundles, releases, cache, reports] =
            [traces, bundles, releases, cache, reports].map(stepped);
        SizesView { traces, bundles, releases, cache, reports }
    }

    /// The kind of file that lies under a key.
    fn kind(&mut self, key: &str) -> Option<&mut u64> {
        match key.split('/').next() {
            Some("traces") => Some(&mut self.traces),
            Some("models") => Some(&mut self.bundles),
            Some("releases") => Some(&mut self.releases),
            Some("derived") => Some(&mut self.cache),
            _ => None,
        }
    }
}

/// Storage of a tenant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TenantSizes {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Bytes by kind.
    pub sizes: SizesView,
}

fn stepped(bytes: u64) -> u64 {
    bytes.div_ceil(STEP).saturating_mul(STEP)
}

/// Storage in use (admin).
pub async fn storage(app: &App, caller: &Caller) -> Result<StorageView, Problem> {
    caller.admin()?;
    let artifacts = app.artifacts.clone();
    let files = tokio::task::spawn_blocking(move || artifacts.sizes()).await;
    let files = files.map_err(|_| Problem::internal())??;
    let mut tx = app.read("room.storage").await?;
    let tenants = tenants::list(&mut tx, None, TENANTS).await?;
    let (named, reports) = (named::all(&mut tx).await?, releases::report_letters(&mut tx).await?);
    drop(tx);
    let (mut sizes, unnamed) = by_tenant(&files, &named);
    for (tenant, letters) in reports {
        sizes.entry(tenant).or_default().reports += letters.unsigned_abs();
    }
    let sum = |of: fn(&SizesView) -> u64| sizes.values().map(of).sum();
    let all = SizesView {
        traces: sum(|one| one.traces),
        bundles: sum(|one| one.bundles),
        releases: sum(|one| one.releases),
        cache: sum(|one| one.cache),
        reports: sum(|one| one.reports),
    };
    let tenants = tenants.into_iter().map(|tenant| TenantSizes {
        sizes: sizes.get(&tenant.id).copied().unwrap_or_default().stepped(),
        id: tenant.id,
        name: tenant.name,
    });
    Ok(StorageView {
        free_bytes: disk::free(&app.config.data_dir)? / STEP * STEP,
        reserve_bytes: app.config.min_free,
        tenant_limit_bytes: app.config.max_tenant_bytes,
        all: all.stepped(),
        unnamed_bytes: stepped(unnamed),
        tenants: tenants.collect(),
    })
}

/// Bytes of the files that each tenant's rows name, and of those that none names.
fn by_tenant(files: &HashMap<String, u64>, named: &[Named]) -> (BTreeMap<Uuid, SizesView>, u64) {
    let owners: HashMap<&str, Uuid> = named.iter().map(|one| (&*one.key, one.tenant_id)).collect();
    let releases: HashMap<String, Uuid> =
        named.iter().filter_map(|one| Some((one.release_id?.to_string(), one.tenant_id))).collect();
    let (mut sizes, mut unnamed) = (BTreeMap::<Uuid, SizesView>::new(), 0);
    for (key, bytes) in files {
        let derived = key.strip_prefix("derived/").and_then(|rest| rest.split('/').next());
        let owner = derived.and_then(|release| releases.get(release)).or_else(|| owners.get(&**key));
        match owner.and_then(|owner| sizes.entry(*owner).or_default().kind(key)) {
            Some(kind) => *kind += bytes,
            None => unnamed += bytes,
        }
    }
    (sizes, unnamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_their_tenants_and_what_nobody_names_is_told_apart() {
        let (one, other, release) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let named = |tenant_id, key: &str, release_id| Named { tenant_id, key: key.into(), release_id };
        let rows = [
            named(one, "traces/a/1", None),
            named(one, "releases/j/1.csv", Some(release)),
            named(other, "models/j/1.bundle", None),
        ];
        let cache = format!("derived/{release}/d.parquet");
        let files = [
            ("traces/a/1", 7),
            ("traces/a/0", 100),
            ("releases/j/1.csv", 11),
            (&*cache, 13),
            ("models/j/1.bundle", 17),
            ("scratch/x", 1_000),
        ];
        let files = files.into_iter().map(|(key, bytes)| (key.to_string(), bytes)).collect();
        let (sizes, unnamed) = by_tenant(&files, &rows);
        assert_eq!(sizes[&one], SizesView { traces: 7, releases: 11, cache: 13, ..SizesView::default() });
        assert_eq!(sizes[&other], SizesView { bundles: 17, ..SizesView::default() });
        assert_eq!(unnamed, 1_100);
        assert_eq!([0, 1, STEP, STEP + 1].map(stepped), [0, STEP, STEP, 2 * STEP]);
    }
}
