//! Builds what QEMU boots: a kernel, and a root file system of the host's own tools with the libraries they need.
//!
//! It must not download (`tests/run fetch` puts kernels and pwru where `Store` looks) and writes only below the
//! target folder. The base archive, tools and modules, is cached under a key of everything that went into it; the
//! programs under test are a second archive, written anew for every boot.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::DefaultHasher};
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::BufWriter;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cpio::Archive;

/// Counted up when the base archive's shape changes, so that a cached one of the old shape is left alone.
const SHAPE: u32 = 2;

const TOOLS: &[&str] = &[
    "bash",
    "bpftool",
    "busybox",
    "curl",
    "ethtool",
    "ip",
    "iperf3",
    "iptables",
    "ip6tables",
    "kmod",
    "nc",
    "nft",
    "nstat",
    "ping",
    "ss",
    "strace",
    "setpriv",
    "tc",
    "tcpdump",
    "tmux",
];

/// Modules for the cases, with a star for "all that begin so". What a kernel has built in or lacks is left out,
/// but `REQUIRED` ones must be there.
const MODULES: &[&str] = &[
    "8021q",
    "act_*",
    "af_packet",
    "bonding",
    "br_netfilter",
    "bridge",
    "cls_*",
    "dummy",
    "geneve",
    "ifb",
    "inet_diag",
    "ip6_tunnel",
    "ip6t_*",
    "ip6table_*",
    "ip6_tables",
    "ip_gre",
    "ip_tables",
    "ip_vs",
    "ip_vs_rr",
    "ipip",
    "ipt_*",
    "iptable_*",
    "ipvlan",
    "macvlan",
    "nf_conntrack*",
    "nf_log_*",
    "nf_nat*",
    "nf_reject_*",
    "nf_tables",
    "nf_tproxy_*",
    "nfnetlink*",
    "nft_*",
    "openvswitch",
    "sch_*",
    "sit",
    "tcp_diag",
    "tun",
    "udp_diag",
    "veth",
    "vrf",
    "vxlan",
    "wireguard",
    "xt_*",
];
const REQUIRED: &[&str] = &["veth", "nf_tables", "nft_ct", "8021q", "vxlan", "bridge"];

/// Programs over libbpf, by name, compiled here.
const COMPILED: &[(&str, &str)] = &[("constant", include_str!("constant.c")), ("floor", include_str!("floor.c"))];

/// What tells tmux that the terminal takes UTF-8; part of libc-bin.
const LOCALE: &str = "/usr/lib/locale/C.utf8/LC_CTYPE";

/// Where glibc's loader looks without a cache file.
const LIBRARIES: &str = "/lib";

pub(crate) struct Image {
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
}

/// The folder below the build's target folder that kernels, archives and logs live in.
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// The target folder is the one this binary was built into: TARGET/PROFILE/deps/vm-….
    pub(crate) fn open() -> Result<Self> {
        let this = std::env::current_exe().context("failed to find this binary")?;
        let target = this.ancestors().nth(3).context("this binary is not in a cargo target folder")?;
        let root = target.join("vm");
        Ok(Self { root })
    }

    /// A folder of the store, made if missing.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("failed to make `{}`", folder.display()))?;
        Ok(folder)
    }

    /// `SKBTRAIL_KERNELS` lets people without apt bring their own.
    fn kernel(&self, version: &str) -> Result<PathBuf> {
        let brought = std::env::var_os("SKBTRAIL_KERNELS").map(PathBuf::from);
        let folder = brought.unwrap_or_else(|| self.root.join("kernels")).join(version);
        ensure!(
            folder.join("vmlinuz").exists(),
            "no kernel {version} in `{}`; `./tests/run fetch {version}` gets it, or point SKBTRAIL_KERNELS at a \
             folder with {version}/vmlinuz and {version}/modules/RELEASE",
            folder.display()
        );
        Ok(folder)
    }
}

pub(crate) fn build(store: &Store, version: &str) -> Result<Image> {
    let kernel = store.kernel(version)?;
    let base = base(store, version, &kernel)?;
    let initrd = store.folder("images")?.join(format!("{version}.cpio"));
    fs::copy(&base, &initrd).with_context(|| format!("failed to copy `{}`", base.display()))?;
    overlay(&initrd)?;
    Ok(Image { kernel: kernel.join("vmlinuz"), initrd })
}

/// The cached archive of tools, libraries and modules.
fn base(store: &Store, version: &str, kernel: &Path) -> Result<PathBuf> {
    let tools = tools(store)?;
    let modules = only_folder(&kernel.join("modules"))?;
    let key = key(&tools, &modules)?;
    let folder = store.folder("images")?;
    let path = folder.join(format!("base-{version}-{key:016x}.cpio"));
    if path.exists() {
        return Ok(path);
    }
    forget_older(&folder, &format!("base-{version}-"))?;
    let unfinished = path.with_extension("unfinished");
    let mut archive = Archive::new(BufWriter::new(File::create(&unfinished)?));
    skeleton(&mut archive)?;
    for (name, path) in &tools {
        archive.file(path, &format!("/bin/{name}"))?;
    }
    for (name, path) in libraries(tools.values())? {
        archive.file(&path, &name)?;
    }
    applets(&mut archive, &tools)?;
    plugins(&mut archive)?;
    archive.file(Path::new(LOCALE), LOCALE)?;
    archive.tree(&stage_modules(store, version, &modules)?, "/lib/modules")?;
    archive.finish()?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}

/// The programs under test, appended to the copy of the base. This binary is the guest's init.
fn overlay(initrd: &Path) -> Result<()> {
    let mut programs = BTreeMap::from([("/init".to_owned(), std::env::current_exe()?)]);
    match program_under_test() {
        Some(path) => drop(programs.insert("/bin/skbtrail".to_owned(), path)),
        None => eprintln!("vm: skbtrail is not built; cases that need it will fail"),
    }
    let out = File::options().append(true).open(initrd)?;
    let mut archive = Archive::new(BufWriter::new(out));
    for (to, from) in libraries(programs.values())?.iter().chain(&programs) {
        archive.file(from, to)?;
    }
    archive.finish()
}

/// `SKBTRAIL_BIN`, or the one cargo built for this test.
fn program_under_test() -> Option<PathBuf> {
    let named = std::env::var_os("SKBTRAIL_BIN").map(PathBuf::from);
    named.or_else(|| option_env!("CARGO_BIN_EXE_skbtrail").map(PathBuf::from)).filter(|path| path.exists())
}

fn skeleton<W: std::io::Write>(archive: &mut Archive<W>) -> Result<()> {
    for folder in ["/proc", "/sys", "/dev", "/tmp", "/run", "/root", "/var", "/etc", "/usr"] {
        archive.directory(folder)?;
    }
    // The kernel opens it for init before anything is mounted.
    archive.device("/dev/console", (5, 1))?;
    for (link, target) in [("/sbin", "bin"), ("/usr/bin", "../bin"), ("/usr/sbin", "../bin"), ("/var/run", "../run")] {
        archive.link(link, target)?;
    }
    for (path, text) in [
        ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        ("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("/etc/protocols", "icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\n"),
    ] {
        archive.bytes(path, 0o644, text.as_bytes())?;
    }
    Ok(())
}

/// Names in the guest's /bin and the files behind them.
fn tools(store: &Store) -> Result<BTreeMap<String, PathBuf>> {
    let mut tools = BTreeMap::new();
    for name in TOOLS {
        let path = find(name).with_context(|| format!("no `{name}` here; ./tests/run installs it"))?;
        tools.insert((*name).to_owned(), path);
    }
    // Debian 12's own knows neither tcx nor netkit.
    let newer = store.folder("bpftool")?.join("usr/sbin/bpftool");
    if newer.exists() {
        tools.insert("bpftool".to_owned(), newer);
    }
    let pwru = store.folder("pwru")?.join("usr/bin/pwru");
    ensure!(pwru.exists(), "no pwru in the store; `./tests/run fetch` gets it");
    tools.insert("pwru".to_owned(), pwru);
    for (name, text) in COMPILED {
        tools.insert((*name).to_owned(), compiled(store, name, text)?);
    }
    Ok(tools)
}

/// A program, compiled when its source is not the one last compiled.
fn compiled(store: &Store, name: &str, text: &str) -> Result<PathBuf> {
    let folder = store.folder(name)?;
    let (program, source) = (folder.join(name), folder.join(name).with_extension("c"));
    if program.exists() && fs::read_to_string(&source).is_ok_and(|built| built == text) {
        return Ok(program);
    }
    fs::write(&source, text)?;
    let mut compiler = Command::new("gcc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-o"]).args([&program, &source]).arg("-lbpf");
    let status = compiler.status().context("failed to run gcc")?;
    if !status.success() {
        fs::remove_file(&source)?;
        bail!("failed to compile {name}.c");
    }
    Ok(program)
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"]).map(Path::new);
    folders.map(|folder| folder.join(name)).find(|file| file.exists())
}

/// What ldd(1) names for these programs: path in the guest to file here. Static programs have none.
fn libraries<'a>(programs: impl Iterator<Item = &'a PathBuf>) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for program in programs {
        let ldd = Command::new("ldd").arg(program).output().context("failed to run ldd")?;
        for line in String::from_utf8_lossy(&ldd.stdout).lines() {
            ensure!(!line.contains("not found"), "`{}`: {}", program.display(), line.trim());
            let Some(path) = line.split_whitespace().find(|word| word.starts_with('/')) else {
                continue;
            };
            let file = path.rsplit('/').next().unwrap_or(path);
            // The loader is named by its full path in every program.
            let to = if file.starts_with("ld-linux") { path.to_owned() } else { format!("{LIBRARIES}/{file}") };
            found.insert(to, PathBuf::from(path));
        }
    }
    Ok(found)
}

/// Links for what busybox does and no real tool does; kmod is five commands in one.
fn applets<W: std::io::Write>(archive: &mut Archive<W>, tools: &BTreeMap<String, PathBuf>) -> Result<()> {
    for name in ["modprobe", "insmod", "rmmod", "lsmod", "depmod"] {
        archive.link(&format!("/bin/{name}"), "kmod")?;
    }
    archive.link("/bin/sh", "bash")?;
    let busybox = Command::new(&tools["busybox"]).arg("--list").output().context("failed to run busybox")?;
    let taken = ["modprobe", "insmod", "rmmod", "lsmod", "depmod", "sh", "ping6"];
    for name in String::from_utf8_lossy(&busybox.stdout).lines() {
        if !tools.contains_key(name) && !taken.contains(&name) {
            archive.link(&format!("/bin/{name}"), "busybox")?;
        }
    }
    Ok(())
}

/// iptables loads its matches and targets from a folder that is compiled into it.
fn plugins<W: std::io::Write>(archive: &mut Archive<W>) -> Result<()> {
    let folder = Path::new("/usr/lib").join(format!("{}-linux-gnu/xtables", std::env::consts::ARCH));
    if folder.is_dir() {
        archive.tree(&folder, &folder.to_string_lossy())?;
    }
    Ok(())
}

/// Everything that the base is made of, by path, size and time.
fn key(tools: &BTreeMap<String, PathBuf>, modules: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    (SHAPE, TOOLS, MODULES, LIBRARIES).hash(&mut hasher);
    let libraries = libraries(tools.values())?;
    for path in tools.values().chain(libraries.values()).map(PathBuf::as_path).chain([modules]) {
        let file = fs::metadata(path).with_context(|| format!("failed to look at `{}`", path.display()))?;
        (path, file.size(), file.mtime()).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn forget_older(folder: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The one kernel release below a `modules` folder.
fn only_folder(modules: &Path) -> Result<PathBuf> {
    let context = || format!("failed to read `{}`", modules.display());
    let mut entries = fs::read_dir(modules).with_context(context)?;
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry?.path()),
        _ => bail!("`{}` must hold one release, and nothing else", modules.display()),
    }
}

/// Copies the wanted modules with what they depend on, unpacked, and indexes them; the folder for /lib/modules.
fn stage_modules(store: &Store, version: &str, modules: &Path) -> Result<PathBuf> {
    let release = modules.file_name().context("a release folder has a name")?;
    let stage = store.folder("stage")?.join(version);
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    let to = stage.join("lib/modules").join(release);
    fs::create_dir_all(&to)?;
    for name in ["modules.order", "modules.builtin", "modules.builtin.modinfo"] {
        fs::copy(modules.join(name), to.join(name)).with_context(|| format!("failed to copy `{name}`"))?;
    }
    for module in wanted(modules)? {
        copy_module(&modules.join(&module), &to.join(&module))?;
    }
    let depmod = find("depmod").context("no `depmod` here; ./tests/run installs it")?;
    let status = Command::new(depmod).arg("-b").arg(&stage).arg(release).status()?;
    ensure!(status.success(), "depmod failed for {version}");
    Ok(stage.join("lib/modules"))
}

fn copy_module(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a module lies in a folder")?)?;
    fs::copy(from, to).with_context(|| format!("failed to copy `{}`", from.display()))?;
    let unpack = match from.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => return Ok(()),
    };
    let arguments = if unpack == "zstd" { ["-dq", "--rm"] } else { ["-d", "-f"] };
    let status = Command::new(unpack).args(arguments).arg(to).status()?;
    ensure!(status.success(), "{unpack} failed on `{}`", to.display());
    Ok(())
}

/// Paths of the modules that `MODULES` asks for and of all they need, as the kernel's own index names them.
fn wanted(modules: &Path) -> Result<BTreeSet<String>> {
    let index = index(modules)?;
    let mut paths = BTreeSet::new();
    for (name, path, needs) in &index {
        if MODULES.iter().any(|pattern| fits(pattern, name)) {
            paths.insert(path.clone());
            paths.extend(needs.iter().cloned());
        }
    }
    let names: HashMap<&str, &str> = index.iter().map(|(n, p, _)| (n.as_str(), p.as_str())).collect();
    let builtin = fs::read_to_string(modules.join("modules.builtin"))?;
    for name in REQUIRED {
        ensure!(
            names.contains_key(name) || builtin.contains(&format!("/{name}.ko")),
            "the kernel in `{}` has no module `{name}`",
            modules.display()
        );
    }
    Ok(paths)
}

/// (name, path, paths it needs) of every module. Packages that leave the index to their installation script get
/// one made here.
fn index(modules: &Path) -> Result<Vec<(String, String, Vec<String>)>> {
    let file = modules.join("modules.dep");
    let text = fs::read_to_string(&file).with_context(|| format!("failed to read `{}`", file.display()))?;
    let rows = text.lines().filter_map(|line| line.split_once(':'));
    Ok(rows
        .map(|(path, needs)| {
            let file = path.rsplit('/').next().unwrap_or(path);
            let name = file.split(".ko").next().unwrap_or(file).replace('-', "_");
            (name, path.to_owned(), needs.split_whitespace().map(str::to_owned).collect())
        })
        .collect())
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}
