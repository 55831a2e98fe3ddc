namespace Kashif.Reporting.Visits;

/// <summary>What EF's model does not have. For migrations, after the extension <c>btree_gist</c>.</summary>
internal static class VisitSchema
{
    public const string CrewBusy = "ex_visits_crew";
    public const string VehicleBusy = "ex_visits_vehicle";

    /// <summary>Whether a visit holds its slot, as a condition in SQL.</summary>
    public const string HoldsSlot = "state IN ('proposed', 'confirmed')";

    /// <summary>The slots of a crew, and of a vehicle, never overlap: no way to write a visit, SQL by hand included, gets around it.</summary>
    public const string Create = $"""
        ALTER TABLE visits ADD CONSTRAINT {CrewBusy}
            EXCLUDE USING gist (crew_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&) WHERE ({HoldsSlot});
        ALTER TABLE visits ADD CONSTRAINT {VehicleBusy}
            EXCLUDE USING gist (vehicle_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&) WHERE ({HoldsSlot});
        """;
}
