use proptest::prelude::*;

use super::*;

#[test]
fn a_pin_says_more_than_a_name() {
    let mut map =
        Subject { name: "cilium_ipcache_", pin: None, kind: 11, key_size: 24, value_size: 24, release: None, now: 0 };
    assert!(map.is_called("cilium_ipcache_v2") && !map.is_called("cilium_ipcache"));
    assert!(map.begins_with("cilium_ipcache_v"));
    map.pin = Some("cilium_ipcache");
    assert!(!map.is_called("cilium_ipcache_v2") && map.is_called("cilium_ipcache"));
}

#[test]
fn values_of_all_cpus_come_one_by_one() {
    let entry = Entry { key: &[1], value: &[7; 16] };
    let (_, values) = entry.sized_per_cpu(1, 5).unwrap();
    assert_eq!(values.count(), 2);
    assert_eq!(
        entry.sized_per_cpu(1, 9).err().map(|misfit| misfit.to_string()),
        None,
        "one CPU with a value of 9 bytes takes 16"
    );
    let misfit = entry.sized(1, 5).unwrap_err().to_string();
    assert_eq!(misfit, "the kernel handed over 1 and 16 bytes of an entry, not 1 and 5");
}

/// Names that decoders ask for, all shapes that some map of theirs has and some that none has.
fn subjects() -> impl Strategy<Value = (String, u32, u32, u32, Option<(u16, u16)>)> {
    let names = prop::sample::select(vec![
        "cilium_ipcache",
        "cilium_ipcache_v2",
        "cilium_lxc",
        "cilium_metrics",
        "cilium_ct4_global",
        "cilium_ct_any6_global",
        "cilium_snat_v4_external",
        "cilium_snat_v6_external",
        "cilium_lb4_services_v2",
        "cilium_lb6_services_v2",
        "cilium_lb4_backends_v2",
        "cilium_lb4_backends_v3",
        "cilium_lb6_backends_v3",
        "cilium_lb4_reverse_nat",
        "cilium_lb6_reverse_nat",
        "cilium_lb4_source_range",
        "cilium_lb6_source_range",
        "cilium_policy_00001",
        "cilium_policy_v2_00001",
        "cilium_policystats",
        "cilium_node_map",
        "cilium_node_map_v2",
        "cilium_tunnel_map",
        "cilium_auth_map",
        "cilium_egress_gw_policy_v4",
        "cilium_egress_gw_policy_v6",
        "cilium_lb4_affinity",
        "cilium_lb4_maglev",
        "cilium_maglev_inner",
        "cilium_ipv6_frag_datagrams",
        "cilium_vtep_map",
        "cilium_srv6_vrf_v4",
    ]);
    let kinds = prop::sample::select(vec![
        kind::HASH,
        kind::ARRAY,
        kind::PERCPU_HASH,
        kind::LRU_HASH,
        10,
        kind::LPM_TRIE,
        kind::HASH_OF_MAPS,
    ]);
    let keys = prop::sample::select(vec![2_u32, 4, 8, 12, 14, 20, 24, 36, 38]);
    let values = prop::sample::select(vec![1_u32, 2, 4, 6, 8, 12, 16, 18, 20, 24, 28, 40, 48, 56]);
    let release = prop::option::of((Just(1_u16), 11_u16..22));
    (names.prop_map(str::to_owned), kinds, keys, values, release)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_bytes_end_the_program(
        (name, kind, key_size, value_size, release) in subjects(),
        pinned in any::<bool>(),
        key in prop::collection::vec(any::<u8>(), 0..64),
        value in prop::collection::vec(any::<u8>(), 0..256),
        now in any::<u64>(),
    ) {
        let map = Subject {
            name: kept(&name),
            pin: pinned.then_some(&name),
            kind,
            key_size,
            value_size,
            release,
            now,
        };
        let Some((_, Ok(layout))) = recognise(&map) else { return Ok(()) };
        let entry = Entry { key: &key, value: &value };
        let sizes_fit = key.len() == key_size as usize && value.len() == value_size as usize;
        let fitting = |bytes: &[u8], size: u32| bytes.iter().copied().cycle().take(size as usize).collect::<Vec<_>>();
        if !sizes_fit && !matches!(kind, kind::PERCPU_HASH | 10) {
            prop_assert!(layout.row(&entry).is_err());
        }
        let value_size = if matches!(kind, kind::PERCPU_HASH | 10) { value_size * 3 } else { value_size };
        if key.is_empty() || value.is_empty() {
            return Ok(());
        }
        let (key, value) = (fitting(&key, key_size), fitting(&value, value_size));
        let entry = Entry { key: &key, value: &value };
        let row = layout.row(&entry).unwrap();
        if let Some(row) = row {
            let expected = if layout.form() == crate::model::Form::Lines { 1 } else { layout.titles().len() };
            prop_assert_eq!(row.cells.len(), expected);
            prop_assert!(row.cells.iter().all(|cell| !cell.contains(['\n', '\t'])));
        }
        prop_assert_eq!(layout.compare(&entry, &entry), Ordering::Equal);
    }
}
