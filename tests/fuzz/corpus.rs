//! Files to begin with: recordings of real kernels, captures of real tools, and what was kept of a run.

use std::{fs, path::Path};

use anyhow::{Result, ensure};

use crate::random::Random;

/// Larger files would only be slower to read.
const LARGEST: u64 = 256 << 10;
/// Files kept of a run.
const MOST: usize = 400;

pub(crate) struct Corpus(Vec<Vec<u8>>);

impl Corpus {
    pub(crate) fn load() -> Result<Self> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
        let mut corpus = Self(Vec::new());
        for folder in [fixtures.clone(), fixtures.join("captures")] {
            let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
            paths.retain(|path| path.extension().is_some_and(|ending| ending == "pcap" || ending == "pcapng"));
            paths.sort();
            for path in paths {
                if fs::metadata(&path)?.len() <= LARGEST {
                    corpus.0.push(fs::read(path)?);
                }
            }
        }
        ensure!(corpus.0.len() >= 5, "no files to begin with");
        // Small files are through quickly, and mutations meet their frames more often.
        let small: Vec<Vec<u8>> = corpus.0.iter().flat_map(|file| [short(file, 6), short(file, 40)]).collect();
        corpus.0.extend(small);
        Ok(corpus)
    }

    pub(crate) fn pick(&self, random: &mut Random) -> &[u8] {
        &self.0[random.below(self.0.len())]
    }

    pub(crate) fn keep(&mut self, file: Vec<u8>) {
        if self.0.len() < MOST && file.len() as u64 <= LARGEST {
            self.0.push(file);
        }
    }
}

/// The first blocks of a file.
fn short(file: &[u8], blocks: usize) -> Vec<u8> {
    let end = crate::mutate::blocks(file).get(blocks).map_or(file.len(), |block| block.start);
    file[..end].to_vec()
}
