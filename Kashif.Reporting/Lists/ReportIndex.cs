using System.Runtime.InteropServices;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>
/// Public reports, by id and by place. Each cell of the coarsest grid is the root of a tree of smaller cells (<see cref="CellNode"/>), and each cell has its reports in
/// the order of their ids, so the newest of an area are a merge of its cells.
/// </summary>
/// <remarks>Not safe for threads.</remarks>
internal sealed class ReportIndex
{
    private const int ChunkBits = 13;
    private const int ChunkSize = 1 << ChunkBits;

    /// <summary>The level of cells of 500 m.</summary>
    private const int Street = 64;

    private readonly List<PublicReport[]> _chunks = []; // not one array: it would be copied when it grows
    private readonly Stack<int> _free = [];
    private readonly List<int> _byId = [];
    private readonly Dictionary<Cell, CellNode> _roots = [];
    private int _used;

    public delegate bool Visitor(in PublicReport report);

    public IReadOnlyCollection<CellNode> Roots => _roots.Values;

    /// <summary>The positions of all reports, in the order of their ids.</summary>
    public List<int> ById => _byId;

    public ref readonly PublicReport this[int position] => ref At(position);

    /// <summary>Adds or replaces a report.</summary>
    public void Put(in PublicReport report)
    {
        var found = Find(_byId, report.Id);
        if (found >= 0)
        {
            ref var present = ref At(_byId[found]);
            if (present.Place == report.Place)
            {
                present = report;
                return;
            }

            RemoveAt(found);
        }

        var position = _free.TryPop(out var free) ? free : _used++;
        if (position >> ChunkBits == _chunks.Count)
        {
            _chunks.Add(new PublicReport[ChunkSize]);
        }

        At(position) = report;
        Insert(_byId, position);
        ref var root = ref CollectionsMarshal.GetValueRefOrAddDefault(_roots, Grid.Coarsest.CellOf(report.Latitude, report.Longitude), out _);
        (root ??= new CellNode(Grid.Coarsest.CellOf(report.Latitude, report.Longitude))).Add(this, position);
    }

    public void Remove(Guid id)
    {
        if (Find(_byId, id) is >= 0 and var found)
        {
            RemoveAt(found);
        }
    }

    /// <summary>Gives back the memory that lists have reserved to grow: after many reports were added.</summary>
    public void Trim()
    {
        _byId.TrimExcess();
        foreach (var root in _roots.Values)
        {
            root.Trim();
        }
    }

    /// <summary>Adds a report to a list of positions in the order of their ids: nearly always it has the greatest one.</summary>
    public void Insert(List<int> positions, int position)
    {
        var id = At(position).Id;
        if (positions.Count == 0 || At(positions[^1]).Id.CompareTo(id) < 0)
        {
            positions.Add(position);
        }
        else
        {
            positions.Insert(~Find(positions, id), position);
        }
    }

    /// <returns>Where the id is in the list; if it is not, the complement of where it would be.</returns>
    public int Find(List<int> positions, Guid id)
    {
        var (low, high) = (0, positions.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            switch (At(positions[middle]).Id.CompareTo(id))
            {
                case 0:
                    return middle;
                case < 0:
                    low = middle + 1;
                    break;
                default:
                    high = middle - 1;
                    break;
            }
        }

        return ~low;
    }

    /// <returns>How many reports of the list have a smaller id.</returns>
    public int CountBefore(List<int> positions, Guid id) => Find(positions, id) is var found && found >= 0 ? found : ~found;

    /// <summary>Calls the visitor for each report that matches, in no order, until it returns false.</summary>
    /// <param name="areas">Null for the whole earth.</param>
    /// <returns>Whether it never did.</returns>
    public bool Visit(Areas? areas, PublicReportFilter filter, Visitor visitor)
    {
        // In the order of the memory, if most of it is to be read.
        if (areas is null || _roots.Values.Sum(root => CountIn(root, areas)) > _byId.Count / 4)
        {
            foreach (var chunk in _chunks)
            {
                foreach (ref readonly var report in chunk.AsSpan())
                {
                    if (report.Id != Guid.Empty && filter.Matches(report) && (areas is null || areas.Contains(report.Place)) && !visitor(report))
                    {
                        return false;
                    }
                }
            }

            return true;
        }

        return _roots.Values.All(root => Visit(root, areas, filter, visitor));
    }

    /// <summary>How many reports the cells have that touch the areas: a little more than the areas.</summary>
    private static int CountIn(CellNode node, Areas areas) => areas.OverlapOf(node.Cell) switch
    {
        Overlap.None => 0,
        Overlap.Some when node.Children is { } children && node.Cell.Grid.Factor < Street => children.Sum(child => CountIn(child, areas)),
        _ => node.Reports.Count,
    };

    private bool Visit(CellNode node, Areas areas, PublicReportFilter filter, Visitor visitor)
    {
        var overlap = areas.OverlapOf(node.Cell);
        if (overlap is Overlap.None)
        {
            return true;
        }

        if (overlap is Overlap.Some && node.Children is { } children)
        {
            return children.All(child => Visit(child, areas, filter, visitor));
        }

        foreach (var position in node.Reports)
        {
            ref readonly var report = ref At(position);
            if (filter.Matches(report) && (overlap is Overlap.All || areas.Contains(report.Place)) && !visitor(report))
            {
                return false;
            }
        }

        return true;
    }

    private ref PublicReport At(int position) => ref _chunks[position >> ChunkBits][position & (ChunkSize - 1)];

    private void RemoveAt(int found)
    {
        var position = _byId[found];
        ref var report = ref At(position);
        var cell = Grid.Coarsest.CellOf(report.Latitude, report.Longitude);
        _roots[cell].Remove(this, position);
        if (_roots[cell].Reports.Count == 0)
        {
            _roots.Remove(cell);
        }

        _byId.RemoveAt(found);
        report = default;
        _free.Push(position);
    }
}
