//! Which file imports which: `use` and paths in code, followed through the re-exports of `mod.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use super::{
    module::Module,
    source::{Source, sources},
};

/// An import that leads from one file to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub line: usize,
    /// The path as it is written.
    pub path: String,
}

/// The files of the project, and the imports between them.
pub(crate) struct Graph {
    pub files: Vec<String>,
    pub imports: BTreeMap<(usize, usize), BTreeSet<Import>>,
}

impl Graph {
    /// Returns the graph of all of `src/`.
    pub(crate) fn read() -> &'static Self {
        static GRAPH: OnceLock<Graph> = OnceLock::new();
        GRAPH.get_or_init(Self::of_sources)
    }

    fn of_sources() -> Self {
        let sources = sources("src");
        let modules = Modules::of(&sources);
        let mut imports: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (index, module) in modules.list.iter().enumerate() {
            for path in &module.paths {
                let Some(target) = modules.resolve(index, &path.segments, 0) else {
                    continue;
                };
                let target = modules.list[target.module()].file;
                if target == module.file || module.only_re_exports(path) {
                    continue;
                }
                let import = Import {
                    line: path.line,
                    path: path.segments.join("::"),
                };
                imports
                    .entry((module.file, target))
                    .or_default()
                    .insert(import);
            }
        }
        let files = sources.into_iter().map(|source| source.path).collect();
        Self { files, imports }
    }

    /// Describes how a file imports another.
    pub(crate) fn describe(&self, from: usize, to: usize) -> String {
        let imports = &self.imports[&(from, to)];
        let first = imports.iter().next().unwrap();
        let paths: Vec<_> = imports
            .iter()
            .map(|import| format!("`{}`", import.path))
            .collect();
        format!(
            "{}:{} imports {} ({})",
            self.files[from],
            first.line,
            self.files[to],
            paths.join(", ")
        )
    }

    fn targets(&self, from: usize) -> impl Iterator<Item = usize> {
        let imports = self.imports.range((from, 0)..=(from, usize::MAX));
        imports.map(|((_, to), _)| *to)
    }

    /// Returns the groups of files in which each leads to each.
    pub(crate) fn cycles(&self) -> Vec<Vec<usize>> {
        let reach: Vec<BTreeSet<usize>> =
            (0..self.files.len()).map(|file| self.reach(file)).collect();
        let mut grouped = BTreeSet::new();
        let mut cycles = Vec::new();
        for file in 0..self.files.len() {
            if !reach[file].contains(&file) || grouped.contains(&file) {
                continue;
            }
            let group: Vec<_> = (0..self.files.len())
                .filter(|other| reach[file].contains(other) && reach[*other].contains(&file))
                .collect();
            grouped.extend(group.iter().copied());
            cycles.push(group);
        }
        cycles
    }

    fn reach(&self, from: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            open.extend(self.targets(file).filter(|target| seen.insert(*target)));
        }
        seen
    }

    /// Returns a shortest way from a file back to itself.
    fn way_round(&self, start: usize) -> Vec<usize> {
        let mut before = BTreeMap::new();
        let mut open = vec![start];
        while !open.is_empty() && !before.contains_key(&start) {
            let mut next = Vec::new();
            for file in open {
                for target in self.targets(file) {
                    if let std::collections::btree_map::Entry::Vacant(entry) = before.entry(target)
                    {
                        entry.insert(file);
                        next.push(target);
                    }
                }
            }
            open = next;
        }
        let mut way = vec![start];
        let mut file = before[&start];
        while file != start {
            way.push(file);
            file = before[&file];
        }
        way.push(start);
        way.reverse();
        way
    }

    /// Tells how a cycle goes round, and which import to cut: that of the fewest names.
    pub(crate) fn explain(&self, cycle: &[usize]) -> String {
        let ways = cycle.iter().map(|file| self.way_round(*file));
        let way = ways.min_by_key(Vec::len).unwrap();
        let edges: Vec<_> = way.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let cut = *edges
            .iter()
            .min_by_key(|edge| self.imports[*edge].len())
            .unwrap();
        let lines: Vec<_> = edges
            .iter()
            .map(|(from, to)| self.describe(*from, *to))
            .collect();
        format!(
            "{} files import each other in a circle; the shortest way round:\n    {}\n  cut the cheapest: {}\n",
            cycle.len(),
            lines.join("\n    "),
            self.describe(cut.0, cut.1)
        )
    }
}

#[derive(Clone, Copy)]
enum Place {
    Module(usize),
    Item(usize),
}

impl Place {
    fn module(self) -> usize {
        let (Self::Module(module) | Self::Item(module)) = self;
        module
    }
}

struct Modules {
    list: Vec<Module>,
}

impl Modules {
    fn of(sources: &[Source]) -> Self {
        let mut by_path = BTreeMap::new();
        let mut list = Vec::new();
        for (file, source) in sources.iter().enumerate() {
            by_path.insert(module_path(&source.path), file);
            list.push(Module::read(file, source));
        }
        for (path, module) in &by_path {
            let Some((name, above)) = path.split_last() else {
                continue;
            };
            let parent = by_path.get(above).copied();
            list[*module].parent = parent;
            if let Some(parent) = parent {
                list[parent].children.insert(name.clone(), *module);
            }
        }
        Self { list }
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.list[module].parent {
            module = parent;
        }
        module
    }

    /// Finds the module that a path leads to, or the one that defines what it leads to; nothing if it leads out of the
    /// crate.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<Place> {
        let mut module = from;
        for (at, segment) in path.iter().enumerate() {
            module = match segment.as_str() {
                "crate" => self.root(module),
                "self" => module,
                "super" => self.list[module].parent?,
                name => match self.list[module].children.get(name) {
                    Some(child) => *child,
                    None if at == 0 => return self.imported(module, path, depth),
                    None => return self.item(module, &path[at..], depth),
                },
            };
        }
        Some(Place::Module(module))
    }

    /// A path that begins with a name that the file has imported.
    fn imported(&self, module: usize, path: &[String], depth: usize) -> Option<Place> {
        let named = self.list[module].names.get(&path[0])?;
        if named[0] == path[0] || depth > 8 {
            return None;
        }
        let whole: Vec<_> = named.iter().chain(&path[1..]).cloned().collect();
        self.resolve(module, &whole, depth + 1)
    }

    fn item(&self, module: usize, path: &[String], depth: usize) -> Option<Place> {
        let here = &self.list[module];
        if depth > 8 {
            return Some(Place::Item(module));
        }
        if let Some(named) = here.names.get(&path[0]) {
            let whole: Vec<_> = named.iter().chain(&path[1..]).cloned().collect();
            if let Some(place) = self.resolve(module, &whole, depth + 1) {
                return Some(place);
            }
        }
        if !here.defined.contains(&path[0]) {
            for glob in &here.globs {
                let target = self.resolve(module, glob, depth + 1)?.module();
                let there = &self.list[target];
                if there.defined.contains(&path[0]) || there.names.contains_key(&path[0]) {
                    return self.item(target, path, depth + 1);
                }
            }
        }
        Some(Place::Item(module))
    }
}

/// Returns the names of the modules from the root of a crate down to a file; the program's begin with `pf`.
fn module_path(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let (root, path) = match path.strip_prefix("bin/") {
        Some(path) => ("bin", path.trim_start_matches("pf/")),
        None => ("lib", path),
    };
    let path = path.trim_end_matches("mod").trim_end_matches('/');
    let names = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "lib" | "main"));
    [root].into_iter().chain(names).map(str::to_owned).collect()
}
