import Datasets
import Search

/// A worker: it joins a coordinator, computes its shards of every half-step together with the other workers, then
/// strength tasks, and ends when it is told to.
public final class WorkerProcess: Sendable {
    /// Loads the images that a configuration names. Called once, on the compute thread.
    public typealias DatasetLoader = @Sendable (SearchConfiguration) throws -> ImageDataset

    private let options: WorkerOptions
    private let loadDataset: DatasetLoader

    /// - Parameter loadDataset: called once the coordinator has sent the configuration; its error's description is
    ///   reported to the coordinator.
    public init(options: WorkerOptions, loadDataset: @escaping DatasetLoader) {
        self.options = options
        self.loadDataset = loadDataset
    }

    /// Works until the coordinator says that the run is finished. Blocks the calling thread.
    ///
    /// A computation that is under way when the run ends early is not waited for; its thread ends soon after, or with
    /// the process.
    public func run() throws(WorkerError) {
        try WorkerLoop(options: options, loadDataset: loadDataset).run()
    }
}
